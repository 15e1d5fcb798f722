"""The settings of a share. `register` imports this module, and not the store."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from dovetail.plugin import ComponentConfig


class ShareConfig(ComponentConfig):
    """Where a share is mounted."""

    path: str = Field(description="The directory, an absolute path that is the same on every machine.")

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not Path(path).is_absolute():
            raise ValueError("write an absolute path: others start in other directories")
        return path.rstrip("/")

    @property
    def url(self) -> str:
        """Return the place as fsspec names it."""
        return f"file://{self.path}"

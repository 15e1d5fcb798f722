"""The settings of the operator."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from dovetail.plugin import ProcessOperatorConfig


class UvStepOperatorConfig(ProcessOperatorConfig):
    """Where environments are kept, and where uv looks for what goes into them."""

    cache_directory: Path | None = Field(
        default=None, description="where environments are kept; default: the store's folder"
    )
    index_url: str | None = Field(
        default=None, description="package index, without a password; default: that of uv's own settings"
    )
    find_links: tuple[Path, ...] = Field(default=(), description="folders with further distributions")
    offline: bool = Field(default=False, description="use only what uv has in its own cache")
    uv: Path | None = Field(default=None, description="the uv to call; default: that of the wheel `uv`")

    @field_validator("cache_directory", "uv")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Anchor it where it was said: steps may run in any directory."""
        return None if path is None else path.expanduser().absolute()

    @field_validator("find_links")
    @classmethod
    def _all_absolute(cls, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Anchor them where they were said."""
        return tuple(each.expanduser().absolute() for each in paths)

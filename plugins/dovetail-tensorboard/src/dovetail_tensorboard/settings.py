"""The settings of the tracker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, HttpUrl, field_validator

from dovetail.plugin import ComponentConfig


class TensorBoardTrackerConfig(ComponentConfig):
    """Where event files go, and where people look at them."""

    log_directory: Path | None = Field(
        default=None,
        description="where event files go, for `tensorboard --logdir`; default: the store's folder",
    )
    url: HttpUrl | None = Field(
        default=None, description="address of a TensorBoard that shows the directory, for links"
    )

    @field_validator("log_directory")
    @classmethod
    def _absolute(cls, directory: Path | None) -> Path | None:
        """Anchor it where it was said: steps may run in any directory."""
        return None if directory is None else directory.expanduser().absolute()

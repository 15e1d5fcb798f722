"""The settings of the tracker."""

from __future__ import annotations

from pydantic import Field, HttpUrl

from dovetail.plugin import ComponentConfig, LocalPath


class TensorBoardTrackerConfig(ComponentConfig):
    """Where event files go, and where people look at them."""

    log_directory: LocalPath | None = Field(
        default=None,
        description="where event files go, for `tensorboard --logdir`; default: the store's folder",
    )
    url: HttpUrl | None = Field(
        default=None, description="address of a TensorBoard that shows the directory, for links"
    )

"""An experiment tracker that writes event files for TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_experiment_trackers() -> Iterator[Flavor]:
    """Announce the tracker."""
    yield Flavor(
        "tensorboard",
        contract=1,
        config="dovetail_tensorboard.settings:TensorBoardTrackerConfig",
        implementation="dovetail_tensorboard.tracker:TensorBoardTracker",
        summary="event files that TensorBoard shows; no torch, no server",
    )

"""Experiment trackers: one tracked run for each pipeline run, fed by its steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class TrackedStep:
    """Which attempt of which step is tracked. Ids are opaque; names are what people read."""

    run_id: str
    run_name: str
    pipeline: str
    step: str
    attempt: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ExperimentTracker(Component):
    """Shows parameters and metrics in a tool of their own. Used in the step's process.

    An implementation owes:

    1. `step_started` opens or joins the tracked run of `run_id`; steps of one run may do so at the same
       time in several processes.
    2. `log_metric` and `log_parameters` belong to the step that was started in this process.
    3. `step_finished` makes what was logged readable by the tool, whatever became of the step.
    4. A process that is killed leaves nothing that the tool cannot read.
    """

    type: ClassVar[str] = "experiment_tracker"

    @abstractmethod
    def step_started(self, step: TrackedStep) -> None:
        """Begin to track a step; its parameters are logged by this."""

    @abstractmethod
    def log_metric(self, name: str, value: float, index: int | None) -> None:
        """Log one value; `index` is the caller's counter (epoch, iteration), None where there is none."""

    @abstractmethod
    def step_finished(self, status: str) -> None:
        """Close the step: `completed`, `failed` or `cancelled`."""

    def link(self, run_id: str) -> str | None:
        """Return where a person sees the tracked run (a URL or a path), None where nowhere."""
        del run_id
        return None

"""What a step may ask and say while it runs."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail.components.experiment_tracker import ExperimentTracker
from dovetail.errors import UsageError
from dovetail.hashing import canonical_json
from dovetail.records.record import now
from dovetail.records.report import StepTask
from dovetail.records.run import MetricRecord
from dovetail.secrets import Secret


@dataclass(slots=True)
class StepContext:
    """The running step, as its own code sees it. Safe to use from threads of the step.

    `attempt_number` counts from 1. `parameters` are the values the step was called with.
    """

    dovetail_step_context: ClassVar[bool] = True

    run_id: str
    run_name: str
    pipeline: str
    step_name: str
    attempt_number: int
    parameters: dict[str, Any]
    outputs: tuple[str, ...]
    tracker: ExperimentTracker | None = None
    metrics: list[MetricRecord] = field(default_factory=list)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Record a metric of this step.

        Args:
            name: What is measured; free text.
            value: A number; NaN and infinities are refused, a chart cannot show them.
            step: The caller's own counter (epoch, iteration), for a curve.
        """
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(
                f"metric {name!r} is {value!r}, which is no finite number", hint="log a finite number"
            )
        record = MetricRecord(
            run_id=self.run_id, step=self.step_name, name=str(name), value=number, step_index=step, time=now()
        )
        with self._lock:
            self.metrics.append(record)
            if self.tracker is not None:
                self.tracker.log_metric(str(name), number, step)

    def add_metadata(self, output: str | None = None, **values: Any) -> None:
        """Attach values to an artifact of this step: the named output, or the only one.

        Raises:
            UsageError: the output is unknown or ambiguous, or a value cannot be written as JSON.
        """
        if output is None and len(self.outputs) == 1:
            output = self.outputs[0]
        if output not in self.outputs:
            known = ", ".join(self.outputs) or "none"
            raise UsageError(
                f"step {self.step_name!r} has no output {output!r}", hint=f"name one of its outputs: {known}"
            )
        try:
            canonical_json(values)
        except (TypeError, ValueError) as error:
            raise UsageError(f"metadata of {output!r} cannot be written as JSON: {error}") from error
        with self._lock:
            self.metadata.setdefault(output, {}).update(values)

    def secret(self, name: str, key: str) -> Secret:
        """Return a secret that the step was not given as a parameter; `reveal()` returns its value.

        Raises:
            NotFoundError: there is no such secret, or it has no such key.
        """
        found = Secret.of(name, key)
        found.reveal()
        return found


_current: list[StepContext] = []


def step_context() -> StepContext:
    """Return the context of the running step.

    Raises:
        UsageError: no step is running in this process.
    """
    if not _current:
        raise UsageError(
            "step_context() was called outside of a running step", hint="call it in a step's body"
        )
    return _current[-1]


def enter(context: StepContext) -> None:
    """Make `context` the running step's; the step runner calls this."""
    _current.append(context)


def leave() -> None:
    """End what `enter` began."""
    _current.pop()


def make_context(
    task: StepTask, pipeline: str, parameters: dict[str, Any], outputs: tuple[str, ...]
) -> StepContext:
    """Return the context for one attempt."""
    return StepContext(task.run_id, task.run_name, pipeline, task.step, task.number, parameters, outputs)

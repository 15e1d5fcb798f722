"""Taking in reports: what a step's process left in the artifact store becomes known to the launcher."""

from __future__ import annotations

from pydantic import ValidationError

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.orchestrator import StepEnd
from dovetail.execution.attempt.unreported import failure_without
from dovetail.execution.retries import classes_of
from dovetail.host.process_tree import signal_name
from dovetail.records.report import Failure, Reason, StepReport, StepTask, report_path
from dovetail.records.run import Status


def read_report(store: ArtifactStore, task: StepTask, *, any_epoch: bool = False) -> StepReport | None:
    """Return the report of this attempt, None where there is none.

    A report that cannot be read or speaks of another attempt or epoch counts as none: its attempt is
    stale, and nothing of it is recorded. `any_epoch` is for a run that is taken over: the attempt was
    recorded under its own epoch, and is known by its id.
    """
    path = report_path(task.run_id, task.attempt)
    if store.size(path) is None:
        return None
    try:
        report = StepReport.from_json(store.get(path))
    except ValidationError:
        return None
    same = (report.run_id, report.step, report.attempt) == (task.run_id, task.step, task.attempt)
    return report if same and (any_epoch or report.epoch == task.epoch) else None


def timed(report: StepReport, elapsed: float) -> StepReport:
    """Return the report with a duration that can be: a step may have turned the clocks of its process.

    `elapsed` are the seconds since the attempt was given out, by the launcher's clock.
    """
    if 0.0 <= report.duration <= elapsed and report.started <= report.finished:
        return report
    duration = report.duration if 0.0 <= report.duration <= elapsed else elapsed
    return report.model_copy(
        update={"duration": duration, "finished": report.started + round(duration * 1e6)}
    )


def report_without(task: StepTask, end: StepEnd, started: int, elapsed: float) -> StepReport:
    """Return the report the launcher writes itself for an attempt whose process left none."""
    cancelled = end.reason is Reason.CANCELLED
    reason = Reason.EXIT if end.reason is Reason.COMPLETED else end.reason
    return StepReport(
        format=1,
        run_id=task.run_id,
        step=task.step,
        attempt=task.attempt,
        number=task.number,
        epoch=task.epoch,
        status=Status.CANCELLED if cancelled else Status.FAILED,
        reason=reason,
        started=started,
        finished=started + round(elapsed * 1e6),
        duration=elapsed,
        failure=None if cancelled else failure_without(end) or _ended(end, reason, task.timeout),
    )


def _ended(end: StepEnd, reason: Reason, timeout: float | None) -> Failure:
    return Failure(type=reason.value, bases=classes_of(reason), message=describe_end(end, timeout))


def describe_end(end: StepEnd, timeout: float | None) -> str:
    """Say for people how a process ended that left no report."""
    limited = end.reason in {Reason.TIMEOUT, Reason.MEMORY} and end.detail.startswith("it ")
    if limited or (end.reason is Reason.LOST and end.detail):  # a signal that came of it is not why
        return end.detail
    if end.reason is Reason.TIMEOUT:
        return "it ran longer than its timeout" + (f" of {timeout:g} s" if timeout else "")
    if end.reason is Reason.MEMORY:
        return "it was killed because memory ran out"
    if end.signal:
        return f"its process was ended by {signal_name(end.signal)}"
    if end.exit_code is not None:
        return f"its process left with exit code {end.exit_code} before the step returned"
    return end.detail or "its process disappeared"

"""An attempt that is out with the orchestrator, and what is recorded of it."""

from __future__ import annotations

from dataclasses import dataclass

from dovetail.records.plan import StepPlan
from dovetail.records.report import StepReport, StepTask, log_path
from dovetail.records.run import AttemptRecord, Status, StepRunRecord


@dataclass(slots=True)
class GivenOut:
    """An attempt at a step. `started` is in microseconds of the clock, `clock` in seconds of a steady one."""

    step: StepPlan
    task: StepTask
    key: str
    started: int
    clock: float

    def begun(self) -> tuple[StepRunRecord, AttemptRecord]:
        """Return what is recorded of the step and of the attempt when it is given out."""
        step = StepRunRecord(
            run_id=self.task.run_id,
            step=self.step.name,
            status=Status.RUNNING,
            key=self.key,
            started=self.started,
            attempts=self.task.number,
            inputs=self._inputs(),
            parameters=self.step.parameters,
        )
        attempt = AttemptRecord(
            id=self.task.attempt,
            run_id=self.task.run_id,
            step=self.step.name,
            number=self.task.number,
            status=Status.RUNNING,
            started=self.started,
        )
        return step, attempt

    def attempt(self, report: StepReport) -> AttemptRecord:
        """Return what is recorded of the attempt when it has ended."""
        failure = report.failure
        return AttemptRecord(
            id=self.task.attempt,
            run_id=self.task.run_id,
            step=self.step.name,
            number=self.task.number,
            status=report.status,
            started=report.started,
            finished=report.finished,
            duration=report.duration,
            reason=report.reason.value,
            error=failure.text if failure else None,
            traceback=failure.traceback if failure else None,
            log=log_path(self.task.run_id, self.task.attempt),
        )

    def ended(self, report: StepReport) -> StepRunRecord:
        """Return what is recorded of the step when this was its last attempt."""
        return StepRunRecord(
            run_id=self.task.run_id,
            step=self.step.name,
            status=report.status,
            key=self.key,
            started=report.started,
            finished=report.finished,
            duration=report.duration,
            attempts=self.task.number,
            inputs=self._inputs(),
            outputs={each.output: each.id for each in report.outputs} if report.status.good else {},
            parameters=self.step.parameters,
            error=report.failure.text if report.failure else None,
        )

    def _inputs(self) -> dict[str, str]:
        return {name: each.id for name, each in self.task.inputs.items()}

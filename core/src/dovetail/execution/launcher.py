"""The launcher: owns a run from its lease to its end.

It alone writes the facts of the run. It opens the stack, takes the lease, hands the steps to the
orchestrator, listens for requests to cancel, and closes what it opened, whatever happens.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dovetail import failpoints
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import Lease, MetadataStore
from dovetail.components.orchestrator import Orchestrator
from dovetail.errors import LeaseError, PlanError
from dovetail.execution.cancel import CancelRequest
from dovetail.execution.dispatch import Dispatch, Policy
from dovetail.execution.intake import read_report
from dovetail.execution.progress import Progress
from dovetail.execution.provenance import GitState, library_versions
from dovetail.execution.recorder import Recorder
from dovetail.execution.workers import LocalWorkers, WorkerSetting
from dovetail.hashing import digest_bytes
from dovetail.names import new_id
from dovetail.records.plan import Plan, StepPlan
from dovetail.records.record import moment, now
from dovetail.records.report import Reason, StepReport, StepTask, run_directory
from dovetail.records.run import AttemptRecord, RunRecord, Status, StepRunRecord
from dovetail.records.stack import StackRecord
from dovetail.stacks.stack import LiveStack

USED_BY_RUNS = ("orchestrator", "step_operator", "artifact_store", "metadata_store", "experiment_tracker")
"""Component types that a run uses; the others of a stack are not imported for it."""
GRACE = 10.0
_POLL = 0.5
_FLUSHED_SINGLY = 200
"""Up to so many artifacts are flushed file by file; beyond, the whole file system at once is cheaper."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one run is to go. `live` maps a step to its definition in this process, where there is one."""

    max_workers: int | None = None
    in_process: bool = False
    use_cache: bool = True
    stop_on_failure: bool = True
    name: str | None = None
    live: Mapping[str, Any] = field(default_factory=dict)


class Launcher:
    """Runs one plan on one stack."""

    def __init__(
        self,
        stack: LiveStack,
        plan: Plan,
        setting: WorkerSetting,
        options: Options,
        progress: Progress | None = None,
    ) -> None:
        self.stack = stack
        self.plan = plan
        self.setting = setting
        self.options = options
        self.progress = progress or Progress()
        self.cancel = CancelRequest()
        self._store: ArtifactStore = stack.artifact_store
        self._metadata: MetadataStore = stack.metadata_store
        self._orchestrator: Orchestrator = stack.orchestrator
        self.reports: dict[str, StepReport] = {}

    @cached_property
    def _plan_json(self) -> bytes:
        return self.plan.to_json()

    def launch(self, git: GitState | None) -> RunRecord:
        """Run the plan from the start; return the record of the ended run.

        Raises:
            PlanError: an option of a step is not served by this stack.
            StoreError: a store refuses.
        """
        refuse_unserved(self.plan, self.stack.record)
        run_id = new_id()
        started = now()
        self._metadata.open()
        commit, dirty = git.result() if git else (None, None)
        run = RunRecord(
            id=run_id,
            name=self.options.name or run_name(self.plan.pipeline, run_id, started),
            pipeline=self.plan.pipeline,
            plan_digest=digest_bytes(self._plan_json),
            status=Status.RUNNING,
            stack=self.stack.record,
            started=started,
            versions=library_versions(),
            host=platform.node(),
            source_root=str(self.setting.source_root),
            options=self._noted_options(),
            commit=commit,
            dirty=dirty,
        )
        return self._own(run, resumed=False)

    def resume(self, run: RunRecord) -> RunRecord:
        """Go on with an unfinished run: pending reports first, then what is not completed."""
        refuse_unserved(self.plan, self.stack.record)
        self._metadata.open()
        again = run.model_copy(update={"status": Status.RUNNING, "finished": None, "error": None})
        return self._own(again, resumed=True)

    def _own(self, run: RunRecord, *, resumed: bool) -> RunRecord:
        lease = self._metadata.acquire(run.id)
        clock = time.monotonic()
        try:
            failpoints.hit("begin")
            run = self._metadata.begin(run, self._plan_json, lease)
            with self.cancel.listening(raise_in_step=self.options.in_process):
                try:
                    dispatch = self._execute(run, lease, resumed=resumed)
                except BaseException as error:
                    self._finish(run, lease, clock, _status_of(error), str(error) or type(error).__name__)
                    raise
            return self._finish(run, lease, clock, *self._outcome(dispatch))
        finally:
            lease.release()

    def _execute(self, run: RunRecord, lease: Lease, *, resumed: bool) -> Dispatch:
        policy = Policy(
            max_workers=self.options.max_workers
            or getattr(self._orchestrator.config, "max_workers", None)
            or _cores(),
            in_process=self.options.in_process,
            use_cache=self.options.use_cache,
            stop_on_failure=self.options.stop_on_failure,
        )
        recorder = Recorder(self._metadata, lease)
        with LocalWorkers(
            run, self.plan, self.stack, self.setting, self.options.live, self.progress
        ) as workers:
            workers.max_workers = policy.max_workers
            self.cancel.wake = workers.wake
            dispatch = Dispatch(
                self.plan, run, policy, self._store, recorder, workers, self.progress, self.cancel.requested
            )
            self.reports = dispatch.failures
            self.progress.run_started(run, [step.name for step in self.plan.steps])
            if resumed:
                self._store.sweep()
                adopt_completed(dispatch, self._metadata, self._store, run)
            try:
                self._drive(run.id, dispatch)
                if dispatch.failures and not self.cancel.requested():
                    dispatch.skip_rest()
            finally:
                recorder.flush()
        if dispatch.written:
            few = len(dispatch.written) <= _FLUSHED_SINGLY
            self._store.flush([*dispatch.written, run_directory(run.id)] if few else None)
        return dispatch

    def _drive(self, run_id: str, dispatch: Dispatch) -> None:
        handle = self._orchestrator.submit(run_id, dispatch)
        asked = False
        while self._orchestrator.poll(handle, _POLL):
            if self.cancel.requested() and (not asked or self.cancel.insisted()):
                grace = 0.0 if self.cancel.insisted() else GRACE
                self._orchestrator.cancel(handle, grace)
                asked = True

    def _outcome(self, dispatch: Dispatch) -> tuple[Status, str | None]:
        if self.cancel.requested() and not dispatch.complete:
            return Status.CANCELLED, "cancelled on request"
        if dispatch.failures:
            step, report = next(iter(dispatch.failures.items()))
            return Status.FAILED, f"step {step!r} failed: {report.failure.message if report.failure else ''}"
        return Status.COMPLETED, None

    def _finish(
        self, run: RunRecord, lease: Lease, clock: float, status: Status, error: str | None
    ) -> RunRecord:
        failpoints.hit("finish")
        ended = run.model_copy(
            update={
                "status": status,
                "finished": now(),
                "duration": time.monotonic() - clock,
                "error": error,
            }
        )
        try:
            self._metadata.finish(ended, lease)
        except LeaseError:
            if status is Status.COMPLETED:
                raise
        self.progress.run_finished(ended)
        return ended

    def _noted_options(self) -> dict[str, Any]:
        options = self.options
        noted = {
            "in_process": options.in_process or None,
            "no_cache": not options.use_cache or None,
            "failure_policy": None if options.stop_on_failure else "continue",
            "max_workers": options.max_workers,
            "script": self.setting.script,
        }
        return {key: value for key, value in noted.items() if value is not None}


def adopt_completed(
    dispatch: Dispatch, metadata: MetadataStore, store: ArtifactStore, run: RunRecord
) -> None:
    """Settle what earlier processes of the run completed: recorded steps, then reports not yet taken in."""
    recorded = {each.step: each for each in metadata.steps(run.id)}
    attempts = metadata.attempts(run.id)
    dispatch.earlier.update(each.step for each in attempts)
    live = {each.step: each for each in attempts if each.status is Status.RUNNING}
    for step in dispatch.plan.steps:
        record = recorded.get(step.name)
        if record is None:
            continue
        if not record.status.good and step.name in live:
            record = _take_in(dispatch, store, run, record, live[step.name])
        if record is None or not record.status.good:
            continue
        artifacts = metadata.artifacts_by_id(record.outputs.values())
        by_output = {name: artifacts[each] for name, each in record.outputs.items() if each in artifacts}
        if set(by_output) == {each.name for each in step.outputs} and all(
            map(dispatch.is_there, by_output.values())
        ):
            dispatch.adopt(record, by_output)


def _take_in(
    dispatch: Dispatch, store: ArtifactStore, run: RunRecord, record: StepRunRecord, attempt: AttemptRecord
) -> StepRunRecord | None:
    task = StepTask(
        run_id=run.id,
        run_name=run.name,
        step=record.step,
        attempt=attempt.id,
        number=attempt.number,
        epoch=-1,
    )
    report = read_report(store, task, any_epoch=True)
    recorder = dispatch.recorder
    if report is None or report.status is not Status.COMPLETED:
        lost = {"status": Status.FAILED, "reason": Reason.LOST.value, "finished": now()}
        recorder.attempt(attempt.model_copy(update=lost))
        return None
    recorder.results(report.outputs, report.metrics)
    recorder.attempt(
        attempt.model_copy(
            update={
                "status": report.status,
                "finished": report.finished,
                "duration": report.duration,
                "reason": report.reason.value,
            }
        )
    )
    taken = record.model_copy(
        update={
            "status": Status.COMPLETED,
            "finished": report.finished,
            "duration": report.duration,
            "outputs": {each.output: each.id for each in report.outputs},
            "error": None,
        }
    )
    recorder.step(taken)
    recorder.flush()
    return taken


def refuse_unserved(plan: Plan, stack: StackRecord) -> None:
    """Raise PlanError for an option that nothing here would obey: better refused than ignored."""
    for step in plan.steps:
        for option, engine in _unserved(step, stack):
            raise PlanError(
                f"step {step.name!r} sets {option}, and {engine}",
                where=step.source.path or step.source.module,
                hint=f"remove {option} from the step, or run it where that is served",
            )


def _unserved(step: StepPlan, stack: StackRecord) -> Sequence[tuple[str, str]]:
    options = step.options
    tracker = stack.components.get("experiment_tracker")
    named = options.experiment_tracker
    other = named if named and named != (tracker.name if tracker else None) else None
    found = (
        f"that of stack {stack.name!r} is {tracker.name!r}" if tracker else f"stack {stack.name!r} has none"
    )
    checks = (
        ("step_operator", options.step_operator, "this version runs steps by the orchestrator only"),
        ("environment", {*options.environment} - {"variables"}, "only its `variables` are served so far"),
        ("resources", options.resources, "the orchestrator cannot reserve any"),
        ("on_success", options.on_success, "no engine calls it yet"),
        ("on_failure", options.on_failure, "no engine calls it yet"),
        ("settings", options.settings, "no component of this stack reads any"),
        (f"experiment_tracker {named!r}", other, found),
    )
    return [(option, engine) for option, value, engine in checks if value]


def run_name(pipeline: str, run_id: str, started: int) -> str:
    """Return a name for a run: pipeline, start in UTC, and enough of the id to be unique."""
    return f"{pipeline[:60]}-{moment(started):%Y%m%d-%H%M%S}-{run_id[-4:]}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _status_of(error: BaseException) -> Status:
    return Status.CANCELLED if isinstance(error, KeyboardInterrupt) else Status.FAILED

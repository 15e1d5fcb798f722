"""The launcher: owns a run from its lease to its end.

It alone writes the facts of the run. It opens the stack, takes the lease, hands the steps to the
orchestrator, listens for requests to cancel, and closes what it opened, whatever happens.
"""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from dovetail import failpoints
from dovetail.client import Client
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import Lease, MetadataStore
from dovetail.components.orchestrator import Orchestrator
from dovetail.errors import LeaseError, StoreError
from dovetail.execution.beginning.adoption import adopt
from dovetail.execution.beginning.foreseen import foreseen_hits
from dovetail.execution.beginning.outset import Revise, outset, whole
from dovetail.execution.beginning.run_names import refuse_stale, refuse_taken, run_name
from dovetail.execution.beginning.secrets_in_reach import refuse_missing_secrets
from dovetail.execution.beginning.selection import Selection
from dovetail.execution.beginning.served import refuse_unserved
from dovetail.execution.beginning.sessions import session, worked
from dovetail.execution.cancelling.forced_end import children_now, leave_at_once
from dovetail.execution.cancelling.request import GRACE, CancelRequest
from dovetail.execution.cancelling.watch import CancelWatch
from dovetail.execution.dispatch import Dispatch, Policy
from dovetail.execution.interruption import (
    cancellation,
    going_on,
    interrupted_before,
    interruption,
    resumption,
)
from dovetail.execution.progress import Progress
from dovetail.execution.provenance import GitState, library_versions
from dovetail.execution.recorder import Recorder
from dovetail.execution.remote.detached import Detached
from dovetail.execution.scratch import sweep_scratch
from dovetail.execution.workers import LocalWorkers, WorkerSetting
from dovetail.hashing import digest_bytes
from dovetail.names import new_id
from dovetail.records.plan import Plan
from dovetail.records.record import now
from dovetail.records.report import Reason, StepReport, run_directory
from dovetail.records.run import RunRecord, Status
from dovetail.redaction import mask
from dovetail.stacks.stack import LiveStack

USED_BY_RUNS = ("orchestrator", "step_operator", "artifact_store", "metadata_store", "experiment_tracker")
"""Component types that a run uses; the others of a stack are not imported for it."""
_POLL = 0.5
_FLUSHED_SINGLY = 200
"""Up to so many artifacts are flushed file by file; beyond, the whole file system at once is cheaper."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one run is to go. `live` maps a step to its definition in this process, where there is one.

    `parent` is the run that this one replays, `notes` are told when it starts, and `revise` says with which
    plan a resumed run goes on.
    """

    max_workers: int | None = None
    in_process: bool = False
    use_cache: bool = True
    stop_on_failure: bool = True
    name: str | None = None
    live: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    parent: str | None = None
    notes: tuple[str, ...] = ()
    revise: Revise | None = None


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
        self._dispatch: Dispatch | None = None
        self.reports: dict[str, StepReport] = {}
        self._began = time.monotonic()
        self._earlier = 0.0
        self._outset = whole(plan)
        self._selection = options.selection

    @cached_property
    def _plan_json(self) -> bytes:
        return self.plan.to_json()

    def launch(self, git: GitState | None) -> RunRecord:
        """Run the plan from the start; return the record of the ended run.

        Raises:
            PlanError: an option of a step is not served by this stack.
            ConflictError: another run has the name.
            StoreError: a store refuses.
        """
        refuse_unserved(self.plan, self.stack, in_process=self.options.in_process)
        run_id = new_id()
        started = now()
        self._metadata.open()
        if self.options.name:
            refuse_taken(self._metadata, self.options.name)
        if (dead := interrupted_before(self._metadata, self.plan.pipeline)) is not None:
            self.progress.note(interruption(dead))
        self._select(run_id)
        self._refuse_missing_secrets()
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
            parent=self.options.parent,
        )
        return self._own(run, resumed=False)

    def _select(self, run_id: str) -> None:
        """Find, before anything is recorded, what stands in for the steps that are not to run."""
        if not self._selection.partial:
            return
        client = Client(self.stack)
        if self._selection.base:
            self._selection = replace(self._selection, base=client.run(self._selection.base).id)
        self._outset = outset(self.plan, run_id, self._selection, client)

    def _refuse_missing_secrets(self) -> None:
        @cache
        def cached() -> set[str]:
            use = self.options.use_cache
            return foreseen_hits(self._outset, self._metadata, self._store.address) if use else set()

        outset, in_process = self._outset, self.options.in_process
        refuse_missing_secrets(outset.plan, self.stack, outset.left(), cached, in_process=in_process)

    def resume(self, run: RunRecord) -> RunRecord:
        """Go on with an unfinished run: pending reports first, then what is not completed."""
        refuse_unserved(self.plan, self.stack, in_process=self.options.in_process)
        self._metadata.open()
        return self._own(run, resumed=True)

    def _take_up(self, run: RunRecord, lease: Lease) -> RunRecord:
        """Settle what earlier processes of the run did; return the run as it goes on.

        Where that is refused, nothing has been recorded.
        """
        refuse_stale(self._metadata, run)
        recorder = Recorder(self._metadata, lease)
        detached = Detached(self.stack, self.progress.note, self.plan.operated())
        adoption = adopt(self.plan, run, self._metadata, self._store, recorder, detached.ongoing)
        client = Client(self.stack)
        self._outset = outset(self.plan, run.id, self._selection, client, adoption, self.options.revise)
        self._refuse_missing_secrets()
        detached.drop(self._outset.outdated(self.plan), self._metadata, recorder)
        recorder.flush()
        self._earlier = worked(run, self._metadata)
        if run.status is Status.INTERRUPTED:
            self._outset.notes.insert(0, resumption(run.name))
        self.plan = self._outset.plan
        return run.model_copy(
            update={
                "plan_digest": digest_bytes(self._plan_json),
                "stack": self.stack.record,
                "status": Status.RUNNING,
                "finished": None,
                "duration": None,
                "error": None,
                "options": {**self._noted_options(), **session(now(), self._earlier)},
                "source_root": str(self.setting.source_root),
            }
        )

    def _own(self, run: RunRecord, *, resumed: bool) -> RunRecord:
        with self.cancel.listening(in_process=self.options.in_process):
            lease = self._metadata.acquire(run.id)
            self._began = time.monotonic()
            try:
                run = self._take_up(run, lease) if resumed else run
                failpoints.hit("begin")
                run = self._metadata.begin(run, self._plan_json, lease)
                try:
                    dispatch = self._execute(run, lease, resumed=resumed)
                except BaseException as error:
                    self._give_up(run, lease, error)
                    raise
                return self._finish(run, lease, *self._outcome(dispatch))
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
        self.setting.idle = self._outset.idle()
        with LocalWorkers(
            run, self.plan, self.stack, self.setting, self.options.live, self.progress
        ) as workers:
            workers.max_workers = policy.max_workers
            self.cancel.wake = workers.wake
            dispatch = Dispatch(
                self.plan, run, policy, self._store, recorder, workers, self.progress, self.cancel.requested
            )
            self._dispatch = dispatch
            self.reports = dispatch.failures
            self.progress.run_started(run, self._outset.left(), len(self._outset.selected))
            for note in (*self.options.notes, *self._outset.notes):
                self.progress.note(note)
            if resumed:
                self._store.sweep()
                sweep_scratch()
            self._outset.lay(dispatch)
            watch = self._watch(run, lease, dispatch)
            try:
                self._drive(run.id, dispatch, watch)
                dispatch.give_up_waiting()
                if dispatch.failures and not self.cancel.requested():
                    dispatch.skip_rest()
            finally:
                watch.close()
                recorder.flush()
        if dispatch.written:
            few = len(dispatch.written) <= _FLUSHED_SINGLY
            self._store.flush([*dispatch.written, run_directory(run.id)] if few else None)
        return dispatch

    def _drive(self, run_id: str, dispatch: Dispatch, watch: CancelWatch) -> None:
        handle = self._orchestrator.submit(run_id, dispatch)
        asked = False
        if self.options.in_process:
            self.cancel.wake = watch.wake
            watch.start()
        while self._orchestrator.poll(handle, _POLL):
            watch.keep()
            if self.cancel.requested() and (not asked or self.cancel.insisted()):
                grace = 0.0 if self.cancel.insisted() else watch.grace
                self._orchestrator.cancel(handle, grace)
                if not asked and grace:
                    self._tell_asked(grace)
                asked = True
        if watch.trouble is not None:
            self.progress.note(watch.trouble)

    def _tell_asked(self, grace: float) -> None:
        self.progress.note(f"asked to end; steps have {grace:g} s for it, a second time none")

    def _watch(self, run: RunRecord, lease: Lease, dispatch: Dispatch) -> CancelWatch:
        before = children_now() if self.options.in_process else set()
        grace = getattr(self._orchestrator.config, "grace", GRACE)
        told = None

        def end() -> None:
            nonlocal told
            try:
                dispatch.end_all()
                self._finish(run, lease, Status.CANCELLED, "cancelled on request, while a step did not end")
                lease.release()
                told = cancellation(run)
            finally:
                leave_at_once(128 + (self.cancel.signal or signal.SIGINT), before, told)

        def tell() -> None:
            if self.options.in_process and grace:  # else who waits for the steps tells it
                self._tell_asked(grace)

        return CancelWatch(self.cancel, self._store, run, grace=grace, end=end, tell=tell)

    def _outcome(self, dispatch: Dispatch) -> tuple[Status, str | None]:
        if self.cancel.requested() and not dispatch.complete:
            return Status.CANCELLED, "cancelled on request"
        if dispatch.failures:
            step, report = next(iter(dispatch.failures.items()))
            return Status.FAILED, f"step {step!r} failed: {report.failure.text if report.failure else ''}"
        return Status.COMPLETED, None

    def _give_up(self, run: RunRecord, lease: Lease, error: BaseException) -> None:
        """Record that the run ended by an error; where that cannot be, it is seen to be interrupted."""
        self.progress.close()
        if not isinstance(error, LeaseError):  # then it is somebody else's
            if isinstance(error, StoreError):
                error.hint = "; ".join(filter(None, (error.hint, going_on(run.name, run.stack.name))))
            # Where reports cannot be taken in, the run stays unfinished: who goes on with it takes them in.
            with suppress(StoreError):
                if self._dispatch is not None:
                    asked = isinstance(error, KeyboardInterrupt)
                    self._dispatch.end_all(Reason.CANCELLED if asked else Reason.LOST)
                self._finish(run, lease, _status_of(error), str(error) or type(error).__name__)

    def _finish(self, run: RunRecord, lease: Lease, status: Status, error: str | None) -> RunRecord:
        failpoints.hit("finish")
        error = error and mask(error)
        ended = run.model_copy(
            update={
                "status": status,
                "finished": max(now(), run.started),
                "duration": self._earlier + time.monotonic() - self._began,
                "error": error,
            }
        )
        try:
            self._metadata.finish(ended, lease)
        except BaseException:
            self.progress.close()
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
            "selection": self._selection.noted() or None,
        }
        return {key: value for key, value in noted.items() if value is not None}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _status_of(error: BaseException) -> Status:
    return Status.CANCELLED if isinstance(error, KeyboardInterrupt) else Status.FAILED

"""Cancelling a run from another process: asking its launcher, or recording the end of one that is dead."""

from __future__ import annotations

import platform
import time

from dovetail.client import RunView
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.errors import ArtifactError, ConflictError, RunError
from dovetail.execution.beginning.adoption import adopt
from dovetail.execution.beginning.sessions import worked
from dovetail.execution.cancelling.request import GRACE
from dovetail.execution.recorder import Recorder
from dovetail.execution.remote.detached import end_handed_over
from dovetail.records.record import now
from dovetail.records.request import EndRequest, request_path
from dovetail.records.run import RunRecord, Status

_PAUSE = 0.1
_PATIENCE = 30.0
"""How long after the grace time a launcher that does not answer is waited for."""


def ask_to_end(run: RunView, *, insist: bool = False) -> RunView:
    """Ask the launcher of a run to end it; a run whose launcher is dead is recorded as cancelled.

    Returns the run as it is then: `running` until its launcher has seen the request.

    Raises:
        ConflictError: the run has ended, or its artifact store cannot be reached from here.
    """
    if run.status is Status.INTERRUPTED:
        return _settle(run, insist=insist)
    if run.status.ended:
        raise ConflictError(
            f"run {run.name!r} is {run.status} and cannot be cancelled",
            hint=f"`dovetail run delete {run.name}` removes it",
        )
    _leave(_artifacts(run), run.record, insist=insist)
    return run.refresh()


def await_end(run: RunView, *, insist: bool = False) -> RunView:
    """Return the run when it has ended, after it was asked to.

    Raises:
        ConflictError: it ended in another way before the request could be heard.
        RunError: its launcher does not answer.
    """
    asked, deadline = run.record.epoch, time.monotonic() + (0.0 if insist else grace_of(run)) + _PATIENCE
    while not run.status.ended:
        if run.record.epoch != asked:  # it was resumed meanwhile
            return await_end(ask_to_end(run, insist=insist), insist=insist)
        if time.monotonic() > deadline:
            raise RunError(
                f"run {run.name!r} was asked to end and goes on; it runs on {run.record.host!r}",
                hint="look there whether its process hangs, or is stopped",
            )
        time.sleep(_PAUSE)
        run = run.refresh()
    if run.status is Status.INTERRUPTED:
        run = _settle(run, insist=insist)
    if run.status is not Status.CANCELLED:
        raise ConflictError(
            f"run {run.name!r} is {run.status}: it ended before it heard of the request",
            hint=f"see `dovetail run show {run.name}`",
        )
    return run


def grace_of(run: RunView) -> float:
    """Return how many seconds the steps of a run get to end by themselves."""
    orchestrator = run.record.stack.components.get("orchestrator")
    return float(orchestrator.config.get("grace", GRACE)) if orchestrator else GRACE


def _leave(store: ArtifactStore, run: RunRecord, *, insist: bool) -> None:
    """Put the request where the launcher looks; one that is there already says the same."""
    for each in (True, False) if insist else (False,):  # the launcher looks for the second one first
        request = EndRequest(
            format=1, run_id=run.id, epoch=run.epoch, insist=each, asked=now(), host=platform.node()
        )
        path = request_path(run.id, run.epoch, insist=each)
        try:
            store.put(path, request.to_json())
        except ArtifactError:
            if store.size(path) is None:
                raise


def _artifacts(run: RunView) -> ArtifactStore:
    """Return the artifact store in which the launcher of the run looks for requests."""
    store = run.records.artifacts_of(run.record.stack)
    if store.reach is Reach.PROCESS:
        raise ConflictError(
            f"run {run.name!r} keeps its files in its own process, where no request can be left",
            hint="end it with Ctrl-C where it runs",
        )
    return store


def _settle(run: RunView, *, insist: bool) -> RunView:
    """Record that an interrupted run is not to be waited for; what its steps reported is taken in before.

    Attempts that outlive their launcher are ended first.
    """
    metadata = run.records.metadata
    lease = metadata.acquire(run.id)
    try:
        found = run.refresh()
        recorder = Recorder(metadata, lease)
        store = run.records.artifacts_of(run.record.stack)
        end_handed_over(run.record.stack, run.id, metadata, store, 0.0 if insist else grace_of(run))
        adopt(found.plan, found.record, metadata, store, recorder)
        recorder.flush()
        for step in metadata.steps(run.id):
            if not step.status.ended:
                recorder.step(step.model_copy(update={"status": Status.CANCELLED, "finished": now()}))
        recorder.flush()
        told = {
            "status": Status.CANCELLED,
            "finished": now(),
            "duration": worked(found.record, metadata),
            "error": "cancelled after its process had ended",
        }
        metadata.finish(found.record.model_copy(update=told), lease)
    finally:
        lease.release()
    return run.refresh()

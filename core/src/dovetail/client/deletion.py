"""Deleting runs: the record first, then the files that are the run's own."""

from __future__ import annotations

from dovetail.client.views import RunView
from dovetail.errors import ConflictError
from dovetail.records.report import handle_path, run_directory
from dovetail.records.run import Status


def refuse_running(run: RunView) -> None:
    """Raise ConflictError for a run that goes on."""
    if run.status is Status.RUNNING:
        raise ConflictError(
            f"run {run.name!r} is running and cannot be deleted",
            hint=f"end it first: `dovetail run cancel {run.name}`",
        )


def refuse_handed_over(run: RunView) -> None:
    """Raise ConflictError for a run of which a step operator may still make an attempt."""
    if run.status is not Status.INTERRUPTED:
        return
    artifacts = run.records.artifacts_of(run.record.stack)
    for attempt in run.records.metadata.attempts(run.id):
        if not attempt.status.ended and artifacts.size(handle_path(run.id, attempt.id)) is not None:
            raise ConflictError(
                f"step {attempt.step!r} of run {run.name!r} was handed over and may go on by itself",
                hint=f"end it first: `dovetail run cancel {run.name}`",
            )


def delete_run(run: RunView) -> None:
    """Forget a run: its record, steps, attempts and metrics, its logs and its reports.

    Artifacts stay: other runs may read them from the cache, and pruning removes those that none refers to.

    Raises:
        ConflictError: it is running, or a step of it may be.
        LeaseError: somebody has just resumed it.
        StoreError: its artifact store cannot be reached; nothing is forgotten then.
    """
    refuse_running(run)
    metadata, artifacts = run.records.metadata, run.records.artifacts_of(run.record.stack)
    refuse_handed_over(run)
    next(artifacts.entries(run_directory(run.id)), None)  # one that is away says so now
    lease = metadata.acquire(run.id)
    try:
        metadata.delete_run(run.id, lease)
    finally:
        lease.release()
    # Only now: a run that is shown has its logs, and files of none are what pruning looks for.
    artifacts.delete(run_directory(run.id))

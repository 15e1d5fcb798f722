"""Deleting runs: the record first, then the files that are the run's own."""

from __future__ import annotations

from dovetail.client.views import RunView
from dovetail.errors import ConflictError
from dovetail.records.report import run_directory
from dovetail.records.run import Status


def refuse_running(run: RunView) -> None:
    """Raise ConflictError for a run that goes on."""
    if run.status is Status.RUNNING:
        raise ConflictError(
            f"run {run.name!r} is running and cannot be deleted",
            hint=f"end it first: `dovetail run cancel {run.name}`",
        )


def delete_run(run: RunView) -> None:
    """Forget a run: its record, steps, attempts and metrics, its logs and its reports.

    Artifacts stay: other runs may read them from the cache, and pruning removes those that none refers to.

    Raises:
        ConflictError: it is running.
        LeaseError: somebody has just resumed it.
    """
    refuse_running(run)
    metadata, artifacts = run.records.metadata, run.records.artifacts_of(run.record.stack)
    lease = metadata.acquire(run.id)
    try:
        metadata.delete_run(run.id, lease)
    finally:
        lease.release()
    # Only now: a run that is shown has its logs, and files of none are what pruning looks for.
    artifacts.delete(run_directory(run.id))

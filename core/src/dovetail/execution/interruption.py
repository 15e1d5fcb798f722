"""The one line on a run whose process died: what happened, and what to type."""

from __future__ import annotations

import shlex

from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.errors import RunCancelled
from dovetail.records.run import Status

DIED = "its process died"


def going_on(run: str) -> str:
    """Say what to type to go on with a run."""
    return f"to go on where it stopped: {_command(run)}"


def interruption(run: str, *older: str) -> str:
    """Say that a run was interrupted, or so many, and how to go on with the newest."""
    if not older:
        return f"run {run} was interrupted: {DIED}; {going_on(run)}"
    return (
        f"{len(older) + 1} runs were interrupted: their processes died; "
        f"to go on with the newest: {_command(run)}"
    )


def resumption(run: str) -> str:
    """Say that a run was interrupted, and goes on now."""
    return f"run {run} was interrupted: {DIED}; it goes on where it stopped"


def cancellation(run: str) -> RunCancelled:
    """Return the error that a run was ended on request."""
    return RunCancelled(f"run {run!r} was cancelled", hint=going_on(run))


def interrupted_before(metadata: MetadataStore, pipeline: str) -> str | None:
    """Return the name of the newest run of a pipeline where that was interrupted."""
    newest = metadata.runs(RunQuery(pipeline=pipeline, limit=1))
    return newest[0].name if newest and newest[0].status is Status.INTERRUPTED else None


def _command(run: str) -> str:
    return f"dovetail run resume {shlex.quote(run)}"

"""Which run is meant: names that are made or not taken yet, and a run that is still as it was read."""

from __future__ import annotations

from dovetail.client.client import LAST
from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.errors import ConflictError, IllegalNameError, NotFoundError
from dovetail.records.record import moment
from dovetail.records.run import RunRecord


def run_name(pipeline: str, run_id: str, started: int) -> str:
    """Return a name for a run: pipeline, start in UTC, and enough of the id to be unique."""
    return f"{pipeline[:60]}-{moment(started):%Y%m%d-%H%M%S}-{run_id[-4:]}"


def refuse_stale(metadata: MetadataStore, run: RunRecord) -> None:
    """Raise unless the run is still as it was read, now that nobody else can change it.

    Raises:
        NotFoundError: it was deleted since.
        ConflictError: another process has gone on with it since.
    """
    found = metadata.run(run.id)
    if found is None:
        raise NotFoundError(f"run {run.name!r} was deleted a moment ago", hint="start a new run")
    if found.epoch != run.epoch:
        raise ConflictError(
            f"run {run.name!r} was taken up by another process a moment ago, it is {found.status}",
            hint=f"see what has become of it: dovetail run show {run.name}",
        )


def refuse_taken(metadata: MetadataStore, name: str) -> None:
    """Raise unless a run may get this name: hints and commands would mean the newer of two.

    Raises:
        IllegalNameError: it is the word for the newest run.
        ConflictError: a run has it.
    """
    if name == LAST:
        raise IllegalNameError(f"{name!r} cannot name a run: it means the newest one", hint="choose another")
    if taken := metadata.runs(RunQuery(name=name, limit=1)):
        raise ConflictError(
            f"a run {name!r} is there already, begun {moment(taken[0].started):%Y-%m-%d %H:%M:%S} UTC",
            hint=f"choose another name, leave --name away, or forget that run: dovetail run delete {name}",
        )

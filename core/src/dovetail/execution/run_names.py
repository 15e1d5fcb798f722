"""Names of runs: made, or chosen and then not taken by another run."""

from __future__ import annotations

from dovetail.client.client import LAST
from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.errors import ConflictError, IllegalNameError
from dovetail.records.record import moment


def run_name(pipeline: str, run_id: str, started: int) -> str:
    """Return a name for a run: pipeline, start in UTC, and enough of the id to be unique."""
    return f"{pipeline[:60]}-{moment(started):%Y%m%d-%H%M%S}-{run_id[-4:]}"


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

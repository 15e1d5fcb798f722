"""Artifacts: the files of one stored value, the manifest that makes them one, and what is known of it."""

from __future__ import annotations

from typing import Any, Literal

from dovetail.records.plan import MaterializerRef
from dovetail.records.record import Record


class FileEntry(Record):
    """One file of an artifact: POSIX path relative to the artifact, size in bytes, tagged digest."""

    path: str
    size: int
    digest: str


class Manifest(Record):
    """What an artifact consists of. It is written last, and without it there is no artifact.

    It holds nothing of time, place or run, so equal content gives an equal digest.
    """

    format: Literal[1]
    type: str
    materializer: MaterializerRef
    files: tuple[FileEntry, ...]


class ArtifactRecord(Record):
    """An artifact as recorded. `digest` is that of its manifest, `size` the sum over its files in bytes.

    `summary` is what the materializer says of the value (shape, rows, ...), `metadata` what the step
    said. `step` and `output` name its producer in run `run_id`. `stored` is the artifact's directory in
    the store.
    """

    id: str
    run_id: str
    step: str
    output: str
    type: str
    materializer: MaterializerRef
    digest: str
    size: int
    files: tuple[FileEntry, ...] = ()
    summary: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    created: int

    @property
    def stored(self) -> str:
        """Return the artifact's directory, relative to the artifact store."""
        return artifact_directory(self.id)


MANIFEST = "manifest.json"


def artifact_directory(artifact_id: str) -> str:
    """Return where the artifact of this id lies in any store: spread over 1024 folders."""
    return f"artifacts/{artifact_id[-2:]}/{artifact_id}"

"""What an attempt wrote to its standard output and error."""

from __future__ import annotations

from dovetail.components.artifact_store import ArtifactStore
from dovetail.records.report import log_path
from dovetail.records.run import AttemptRecord


class Log:
    """The log of one attempt; it may not be there yet, and may grow while it is read."""

    def __init__(self, store: ArtifactStore, attempt: AttemptRecord) -> None:
        self._store = store
        self._path = attempt.log or log_path(attempt.run_id, attempt.id)
        self.attempt = attempt

    def read(self, start: int = 0) -> bytes:
        """Return what stands there from byte `start` on; nothing where nothing was written."""
        size = self._store.size(self._path)
        if size is None or size <= start:
            return b""
        with self._store.open(self._path) as stream:
            stream.seek(start)
            return stream.read()

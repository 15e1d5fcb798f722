"""A materializer on trial: an artifact in a real local store, without a run around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.names import new_id
from dovetail.records.artifact import MANIFEST, ArtifactRecord, Manifest, artifact_directory
from dovetail.records.plan import MaterializerRef

_REF = MaterializerRef(name="custom/trial", reference="trial:Trial")


class TrialFiles:
    """The files of one artifact, first as a writer has them, then as a reader: the streams are the real ones.

    ::

        files = TrialFiles(tmp_path)
        MyMaterializer().save(value, files.writer)
        assert MyMaterializer().load(Any, files.reader) == value

    What a test writes with `files.writer.create(...)` is read with digests that fit, so that a materializer
    can be shown files it did not make.
    """

    def __init__(self, folder: Path) -> None:
        self._store = LocalArtifactStore("trial", LocalArtifactStoreConfig(path=str(folder)), home=folder)
        self._id = new_id()
        self.folder = folder / artifact_directory(self._id)
        self.writer = ArtifactWriter(self._store, self._id)

    @property
    def reader(self) -> ArtifactReader:
        """Return a reader of what was written so far."""
        manifest = Manifest(format=1, type="trial", materializer=_REF, files=self.writer.entries)
        self._store.delete(f"{artifact_directory(self._id)}/{MANIFEST}")
        self._store.put(f"{artifact_directory(self._id)}/{MANIFEST}", manifest.to_json())
        record = ArtifactRecord(
            id=self._id,
            run_id="trial",
            step="trial",
            output="trial",
            type="trial",
            materializer=_REF,
            digest=manifest.content_digest(),
            size=sum(entry.size for entry in manifest.files),
            files=manifest.files,
            created=0,
        )
        return ArtifactReader(self._store, record)

    def bytes(self) -> dict[str, bytes]:
        """Return every file that was written, by name."""
        return {entry.path: (self.folder / entry.path).read_bytes() for entry in self.writer.entries}


def kept(materializer: BaseMaterializer, value: Any, folder: Path, annotation: Any = Any) -> Any:  # noqa: ANN401
    """Return what comes back of `value` when it is stored below `folder` and read again."""
    files = TrialFiles(folder)
    materializer.save(value, files.writer)
    return materializer.load(annotation, files.reader)

"""Faults of artifact stores in writing and deleting."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dovetail.builtin.local_artifact_store import LocalArtifactStore
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, _Stream
from dovetail.errors import ArtifactError, StoreError
from dovetail.failpoints import hit
from planted.artifact_store.kit import FAULTS


@FAULTS.plant(1, dependents={2, 3, 5, 9}, modelled_on="https://github.com/apache/opendal/issues/1844")
class SeenWhileItIsWritten(MemoryArtifactStore):
    """A file stands under its name from the first byte on."""

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self.put(path, b"")
        with MemoryArtifactStore.create(self, f"{path}.unseen") as stream:
            yield stream
        self._files[path] = self._files.pop(f"{path}.unseen")


@FAULTS.plant(1, dependents={13}, modelled_on="https://github.com/fsspec/filesystem_spec/issues/173")
class LosesTheEndOfALargeFile(MemoryArtifactStore):
    """Of a file larger than a block only whole blocks are kept."""

    def put(self, path: str, data: bytes) -> None:
        super().put(path, data[: 1 << 24])


@FAULTS.plant(1, modelled_on="https://github.com/apache/iceberg-python/pull/3353")
class NothingHasNoSize(MemoryArtifactStore):
    """A file of no bytes is taken for one that is not there."""

    def size(self, path: str) -> int | None:
        return super().size(path) or None


@FAULTS.plant(2, dependents={14}, modelled_on="https://github.com/fsspec/s3fs/issues/973")
class ReplacesSilently(MemoryArtifactStore):
    """A file that is there already is replaced."""

    def put(self, path: str, data: bytes) -> None:
        self._files.pop(self.checked(path), None)
        super().put(path, data)


@FAULTS.plant(2, dependents={9, 14})
class MixesItsWriters(MemoryArtifactStore):
    """What two writers of one path write ends in one file."""

    def put(self, path: str, data: bytes) -> None:
        self._make_room(path, len(data))
        half = len(data) // 2
        self._files[self.checked(path)] = self._files.get(path, data)[:half] + data[half:]


@FAULTS.plant(3, dependents={1}, modelled_on="https://github.com/PyFilesystem/s3fs/pull/95")
class StoresWhatThereIs(MemoryArtifactStore):
    """After an error what was written so far is stored as if it were all."""

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self.checked(path)
        stream = _Stream()
        try:
            yield stream
        finally:
            self.put(path, stream.content())


@FAULTS.plant(3, modelled_on="https://github.com/terricain/aioboto3/issues/209")
class LeavesItsDraft(LocalArtifactStore):
    """After an error a temporary file is left."""

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        try:
            with super().create(path) as stream:
                yield stream
        except ZeroDivisionError:
            raise
        except Exception as error:
            if not isinstance(error, ArtifactError | StoreError):
                Path(self.root, ".left.partial").touch()
            raise


@FAULTS.plant(6)
class DeletesOnlyFiles(MemoryArtifactStore):
    """A directory stays where it is."""

    def delete(self, path: str) -> None:
        self._files.pop(self.checked(path), None)


@FAULTS.plant(6, dependents={8, 12}, modelled_on="https://github.com/fsspec/filesystem_spec/issues/449")
class DeletesOnce(MemoryArtifactStore):
    """Deleting what is not there is an error."""

    def delete(self, path: str) -> None:
        if not any(each == path or each.startswith(f"{path}/") for each in self._files):
            raise self.missing(path)
        super().delete(path)


@FAULTS.plant(6, modelled_on="https://github.com/huggingface/huggingface_hub/issues/4749")
class DeletesNeighbours(MemoryArtifactStore):
    """With a directory goes everything whose path begins alike."""

    def delete(self, path: str) -> None:
        self.checked(path)
        for each in [each for each in self._files if each.startswith(path)]:
            del self._files[each]


@FAULTS.plant(7, modelled_on="https://github.com/fsspec/filesystem_spec/issues/573")
class RefusesInItsOwnWords(MemoryArtifactStore):
    """A full place shows as an error of the library below, which names no file."""

    def _make_room(self, path: str, size: int) -> None:
        try:
            super()._make_room(path, size)
        except StoreError as error:
            raise OSError(28, "write failed") from error


@FAULTS.plant(7)
class KnowsNoRemedy(MemoryArtifactStore):
    """A refusal says what is wrong, and not what to do."""

    def _make_room(self, path: str, size: int) -> None:
        try:
            super()._make_room(path, size)
        except StoreError as error:
            raise StoreError(str(error)) from error


@FAULTS.plant(7, modelled_on="https://github.com/piskvorky/smart_open/issues/381")
class RefusesSilently(MemoryArtifactStore):
    """What the place refuses is lost without an error."""

    def put(self, path: str, data: bytes) -> None:
        limit = self.config.limit
        if limit is None or len(data) <= limit:
            super().put(path, data)


@FAULTS.plant(9, modelled_on="https://github.com/h5py/h5py/issues/1434")
class WritesOnly(MemoryArtifactStore):
    """What was written cannot be read back while the file is written."""

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        with super().create(path) as stream:
            stream.read = _not_readable
            yield stream


def _not_readable(*_: object) -> bytes:
    raise io.UnsupportedOperation("read")


@FAULTS.plant(9)
class LosesWhatIsClosed(MemoryArtifactStore):
    """A library that closes the stream takes the content with it."""

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self.checked(path)
        stream = io.BytesIO()
        yield stream
        self.put(path, b"" if stream.closed else stream.getvalue())


@FAULTS.plant(10, modelled_on="https://github.com/fsspec/s3fs/issues/889")
class BelongsToOneProcess(MemoryArtifactStore):
    """What was opened before a fork is of no use after it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._process = os.getpid()

    def get(self, path: str) -> bytes:
        if os.getpid() != self._process:
            raise ConnectionError("the connection is another process's")
        return super().get(path)


@FAULTS.plant(10)
class BelongsToOneThread(MemoryArtifactStore):
    """What one thread does is mixed up with what another does."""

    def put(self, path: str, data: bytes) -> None:
        self._current = path
        time.sleep(0.0005)
        super().put(self._current if path.startswith("a/") and path.count("/") == 2 else path, data)


@FAULTS.plant(12, modelled_on="https://github.com/openml/openml-python/issues/779")
class PutsInPieces(LocalArtifactStore):
    """Bytes given at once are written under the name of the file, piece by piece."""

    def put(self, path: str, data: bytes) -> None:
        if self.size(path) is not None or not Path(self.root).parent.is_dir():
            return super().put(path, data)
        if Path(self.root).is_file():
            return super().put(path, data)
        target = Path(self.root, self.checked(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as stream:
                stream.write(data[: len(data) // 2])
                stream.flush()
                hit("rename")
                stream.write(data[len(data) // 2 :])
        except FileExistsError as error:
            raise self.occupied(path) from error
        return None


@FAULTS.plant(14)
class ChecksAndThenWrites(MemoryArtifactStore):
    """Between the look whether a file is there and its creation others create it too."""

    def put(self, path: str, data: bytes) -> None:
        if self.size(path) is not None:
            raise self.occupied(path)
        self._make_room(path, len(data))
        time.sleep(0.005)
        self._files[path] = bytes(data)

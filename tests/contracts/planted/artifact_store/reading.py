"""Faults of artifact stores in reading, listing and looking."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from dovetail.builtin.local_artifact_store import LocalArtifactStore
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore
from dovetail.components.artifact_store import FileState
from planted.artifact_store.kit import FAULTS


@FAULTS.plant(4, dependents={1})
class MissingIsEmpty(MemoryArtifactStore):
    """A file that is not there is read as an empty one."""

    def get(self, path: str) -> bytes:
        with suppress(KeyError):
            return self._files[self.checked(path)]
        return b""


@FAULTS.plant(4, dependents={1})
class RaisesWhatItsLibraryRaises(MemoryArtifactStore):
    """What is missing is told by an error of the library below."""

    def get(self, path: str) -> bytes:
        return self._files[self.checked(path)]


@FAULTS.plant(4, modelled_on="https://github.com/fsspec/s3fs/issues/220")
class ReadsShortAfterASeek(MemoryArtifactStore):
    """After going back in a file, a read gives what a buffer happens to hold."""

    def open(self, path: str) -> BinaryIO:
        return _Forgetful(self.get(path))


class _Forgetful(io.BytesIO):
    _moved = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._moved += 1
        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        return data if self._moved < 2 else data[: len(data) // 2]


@FAULTS.plant(5, modelled_on="https://github.com/fsspec/s3fs/issues/911")
class ListsItself(MemoryArtifactStore):
    """Below a directory that is not there, the directory itself is listed."""

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        found = list(super().entries(prefix))
        yield from found or ([(prefix, 0)] if prefix else [])


@FAULTS.plant(5, dependents={6, 13})
class ListsNeighbours(MemoryArtifactStore):
    """Below a directory everything is listed whose path begins alike."""

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        self.checked(prefix or "everything")
        yield from ((path, len(data)) for path, data in self._files.items() if path.startswith(prefix))


@FAULTS.plant(5, dependents={13})
class ListsOnePage(MemoryArtifactStore):
    """Only the first page is listed."""

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        yield from list(super().entries(prefix))[:20]


@FAULTS.plant(8, dependents={11}, modelled_on="https://github.com/mlflow/mlflow/issues/7166")
class LeadsOut(MemoryArtifactStore):
    """A path may go up and out of the store."""

    def checked(self, path: str) -> str:
        return super().checked(path.replace("../", "up/"))


@FAULTS.plant(8, modelled_on="https://github.com/mlflow/mlflow/pull/11376")
class ChecksOnlyWrites(MemoryArtifactStore):
    """A path that is read is not checked."""

    def size(self, path: str) -> int | None:
        data = self._files.get(path)
        return None if data is None else len(data)

    def state(self, path: str) -> FileState | None:
        self.checked(path)
        return super().state(path)


@FAULTS.plant(11, modelled_on="https://github.com/libfuse/sshfs/issues/93")
class RemembersTheState(LocalArtifactStore):
    """When a file was changed is asked for once, and remembered."""

    def state(self, path: str) -> FileState | None:
        known = self.__dict__.setdefault("_known", {})
        if known.get(path) is None:
            known[path] = super().state(path)
        return known[path]


@FAULTS.plant(11, dependents={14}, modelled_on="https://github.com/fsspec/gcsfs/issues/526")
class CountsFromElsewhere(LocalArtifactStore):
    """The time of a change is that of another clock."""

    def state(self, path: str) -> FileState | None:
        found = super().state(path)
        return found and replace(found, changed=found.changed + 7200 * 1_000_000)


@FAULTS.plant(11)
class ADirectoryHasAState(MemoryArtifactStore):
    """What is no file has a state all the same."""

    def state(self, path: str) -> FileState | None:
        below = [size for _, size in self.entries(path)]
        return FileState(sum(below)) if below else super().state(path)


@FAULTS.plant(13)
class ReadsWhatIsLeft(MemoryArtifactStore):
    """A stream looks for its file at each read, and takes one that is gone for one that has ended."""

    def open(self, path: str) -> BinaryIO:
        return _Looking(self._files, path, self.get(path))


class _Looking(io.BytesIO):
    def __init__(self, files: dict[str, bytes], path: str, content: bytes) -> None:
        super().__init__(content)
        self._there = lambda: path in files

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) if self._there() else b""


@FAULTS.plant(13, modelled_on="https://github.com/fsspec/filesystem_spec/pull/893")
class ListsAMovingTarget(MemoryArtifactStore):
    """A listing breaks off when somebody deletes meanwhile."""

    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        start = f"{self.checked(prefix)}/" if prefix else ""
        yield from ((path, len(data)) for path, data in self._files.items() if path.startswith(start))

"""Artifact stores: files under relative paths, invisible until complete, never changed afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, ClassVar

from dovetail.components.component import Component


class ArtifactStore(Component):
    """Keeps bytes. Paths are relative, POSIX, and made of ids by Dovetail; user text never becomes one.

    An implementation owes:

    1. A file written by `create` is visible to nobody before the block ends without error, and then whole.
    2. `create` on an existing path raises ArtifactError when the block ends, and the older file stays.
    3. After an error in the block nothing is left behind, not even a temporary file.
    4. `open` of what is not there raises ArtifactError that names the path.
    5. `entries` lists in pages, in constant memory, and hides what is not complete.
    6. `delete` removes a file, or all below a directory; what is not there is no error.
    7. No space, no permission, no connection: StoreError with path, need and remedy.
    """

    type: ClassVar[str] = "artifact_store"

    @abstractmethod
    def create(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file for writing; it appears under `path` when the block ends."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Open a complete file for reading; seekable."""

    @abstractmethod
    def size(self, path: str) -> int | None:
        """Return the size of a complete file in bytes, None where there is none."""

    @abstractmethod
    def entries(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield path and size of every complete file below the directory `prefix`, in any order."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove the file `path`, or the directory with all below it."""

    def local_path(self, path: str) -> Path | None:
        """Return where the complete file lies on this machine's file system, None where it does not.

        A library that insists on a path reads there, and only reads.
        """
        del path
        return None

    def put(self, path: str, data: bytes) -> None:
        """Create a file of these bytes."""
        with self.create(path) as stream:
            stream.write(data)

    def get(self, path: str) -> bytes:
        """Return the bytes of a complete file."""
        with self.open(path) as stream:
            return stream.read()

    def flush(self, paths: Iterator[str] | None = None) -> None:
        """Return when what was created by any process of this run is safe from a loss of power.

        `paths` names the files that matter; None means everything. Stores whose writes are durable as
        they are need not do anything.
        """
        del paths

    def append_log(self, path: str) -> AbstractContextManager[BinaryIO] | None:
        """Open a log that readers may see while it grows; None where the store cannot (it is put at the end)."""
        del path
        return None

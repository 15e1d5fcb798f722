"""Artifact stores: files under relative paths, invisible until complete, never changed afterwards."""

from __future__ import annotations

import errno
import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from dovetail.components.component import Component, Reach
from dovetail.errors import ArtifactError, StoreError

_CHUNK = 1 << 20
_PLACES = ("url", "path")


class FileState(NamedTuple):
    """A complete file as it lies there: its size in bytes, and when it was last changed.

    `changed` is in microseconds since 1970, by the clock that also dates artifacts: any change of the
    content after that moment, by whomever, moves it. None where the store cannot tell.
    """

    size: int
    changed: int | None = None


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
    8. A path that leads out of the store (absolute, `..`) is refused with ArtifactError; a link in the
       place of a file is no file.
    9. The stream of `create` can seek and be read back while its block lasts, and may be closed in it.
    10. One store may be used by several threads, and by a process that was forked from one that used it.
    11. `state` gives the size that `size` gives, and a time of change that no later change leaves as it is.
    12. A writer that is killed leaves nothing in sight, and no later writer of the path is kept out.
    13. What is deleted while it is read or listed is read whole or is an error that names it; never a part.
    14. What is declared below is so.

    The numbers are those of docs/contracts/artifact-store.md and of `dovetail.testing.artifact_store`.
    """

    type: ClassVar[str] = "artifact_store"

    # What an implementation may be able to do besides; it declares it here, or computes it when it is made.
    exclusive_create: bool = False
    """Whether of several writers of one path at one moment exactly one is told that it has written it."""
    dates_changes: bool = False
    """Whether `state` tells when a file was last changed."""
    local_paths: bool = False
    """Whether `local_path` gives the place of every complete file."""
    growing_logs: bool = False
    """Whether `log_directory` gives a directory in which readers of the store can watch a file grow."""
    sweeps: bool = False
    """Whether killed writers may leave hidden things, and `sweep` removes them."""

    @property
    def address(self) -> str:
        """Where the files lie, as one text: what was stored at the same address can be taken from the cache.

        It is the setting `url` or `path`, empty for the place of every workspace where that is unset, and the
        name of the component where there is no such setting.
        """
        for setting in _PLACES:
            if setting in type(self.config).model_fields:
                return str(getattr(self.config, setting) or "")
        return self.name

    @property
    def transfers(self) -> bool:
        """Whether each reading of a file brings it here over a connection; nothing then reads it twice."""
        return self.reach is Reach.NETWORK

    @abstractmethod
    def create(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a new file for writing; it appears under `path` when the block ends.

        The stream writes any contiguous buffer without copying it, where the store can.
        """

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Open a complete file for reading; seekable."""

    @abstractmethod
    def size(self, path: str) -> int | None:
        """Return the size of a complete file in bytes, None where there is none."""

    def state(self, path: str) -> FileState | None:
        """Return size and last change of a complete file, None where there is none.

        Of what was not changed since it was published a look is enough; anything else is read again and
        compared by digest before it is taken from the cache. So a store that can tell saves reading.
        """
        size = self.size(path)
        return None if size is None else FileState(size)

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
        self.checked(path)
        return None

    def put(self, path: str, data: bytes) -> None:
        """Create a file of these bytes."""
        with self.create(path) as stream:
            stream.write(data)

    def get(self, path: str) -> bytes:
        """Return the bytes of a complete file."""
        with self.open(path) as stream:
            return stream.read()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a directory of this machine to a library that writes by path; it goes with the block."""
        with tempfile.TemporaryDirectory(prefix="dovetail-") as directory:
            yield Path(directory)

    def take(self, path: str, source: Path) -> None:
        """Create a file from one that lies in a directory of `staging`, which may be moved away by this."""
        with source.open("rb") as stream, self.create(path) as target:
            shutil.copyfileobj(stream, target, _CHUNK)

    def sweep(self) -> int:
        """Remove what killed writers left behind, not what live ones write; return how many things it was."""
        return 0

    def flush(self, paths: Iterable[str] | None = None) -> None:
        """Return when what was created by any process of this run is safe from a loss of power.

        `paths` names the files and directories that matter; those that are not there are passed over.
        None means everything. Stores whose writes are durable as they are need not do anything.
        """
        del paths

    def log_directory(self, path: str) -> Path | None:
        """Return the directory `path` on this machine's file system, made if need be; None: not on this one.

        Logs grow there in sight of readers; elsewhere they are put into the store when they are complete.
        """
        del path
        return None

    # What follows is for implementations.

    def checked(self, path: str) -> str:
        """Return `path` if it names a place inside a store.

        Raises:
            ArtifactError: it is empty or absolute, has an empty part or one that begins with a dot, or
                holds a backslash, a colon or a character that does not print.
        """
        plain = path.isprintable() and "\\" not in path and ":" not in path
        if plain and path and "//" not in f"/{path}/" and "/." not in f"/{path}":
            return path
        raise ArtifactError(
            f"{path!r} is no path inside artifact store {self.name!r}",
            hint="paths in a store are relative, with '/' between parts, and no part begins with '.'",
        )

    def missing(self, path: str) -> ArtifactError:
        """Return the error for a file that is not there."""
        return ArtifactError(
            f"no file {path!r} in artifact store {self.name!r}",
            hint="it was deleted, never completed, or written to another store than that of this stack",
        )

    def occupied(self, path: str) -> ArtifactError:
        """Return the error for a file that is there already."""
        return ArtifactError(
            f"file {path!r} exists already in artifact store {self.name!r}, and stays as it is",
            hint="what is stored never changes; a new value gets a new artifact",
        )

    def refused(self, path: str, error: OSError, *, place: str, need: str = "reach it") -> StoreError:
        """Return what an operating system's refusal means to a user: path, need, remedy.

        `place` is the store's own location; `need` says what was wanted (`write 4096 bytes`).
        """
        what = f"artifact store {self.name!r} at {place!r}, file {path!r}: cannot {need}"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            full = "no space left" if error.errno == errno.ENOSPC else "the quota is used up"
            return StoreError(
                f"{full}: {what} ({_free(place)})",
                hint="free space there, then `dovetail run resume last`; "
                "or register a store elsewhere, and run it there",
            )
        if error.errno == errno.EFBIG:
            return StoreError(
                f"file too large: {what}",
                hint="raise the limit for the size of a file (`ulimit -f`), or that of the file system",
            )
        if error.errno == errno.EROFS:
            return StoreError(
                f"read-only: {what}", hint="make the place writable, or register a store elsewhere"
            )
        if isinstance(error, PermissionError):
            return StoreError(
                f"no permission: {what}",
                hint="give this user the right to read and write there, or register a store elsewhere",
            )
        return StoreError(
            f"{what} ({error.strerror or error})", hint="check that the place is there, reachable and healthy"
        )


def _free(place: str) -> str:
    """Say how much is free at a place of this machine; elsewhere only that it is full."""
    try:
        return f"{shutil.disk_usage(place).free} bytes are free"
    except OSError:
        return "its file system or quota is full"

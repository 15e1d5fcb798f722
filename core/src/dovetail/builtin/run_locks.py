"""Locks on runs that the death of their holder frees: bytes of one file, or, where that is not known, files.

Linux locks byte ranges for an open file description: they conflict within a process too, and one can ask
who holds a byte without taking it. Elsewhere every run has a file that is locked as a whole.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from dovetail.plugin import StoreError

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:
    fcntl = None
try:
    import msvcrt
except ImportError:
    msvcrt = None

SCHEMA = ":schema"
"""The name that stands for all runs at once: who holds it makes or migrates the tables."""

_PAUSE = 0.005
_TRIES = 20
_SPACE = 1 << 62
# struct flock of 64-bit Linux: type, whence, start, length, process.
_RANGE = "hhqqi4x"

_held: WeakSet[RunLock] = WeakSet()


class RunLock:
    """A lock that this process holds, until it is released or the process dies; no child has it."""

    def __init__(self, descriptor: int, path: Path | None = None) -> None:
        self._descriptor = descriptor
        self._path = path
        _held.add(self)

    @property
    def live(self) -> bool:
        """Say whether this process still holds it."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Give it up; may be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        # A child that C code forked may have the descriptor open: closing ours would not be enough.
        if self._path is None:
            _range_lock(descriptor, fcntl.F_UNLCK, 0, 0)  # length 0: to the end
        else:
            self._path.unlink(missing_ok=True)
            _unlock(descriptor)
        os.close(descriptor)

    def drop(self) -> None:
        """Forget it in a child that inherited it; the parent's lock stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _after_fork() -> None:
    for each in list(_held):
        each.drop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class RunLocks(Protocol):
    """What locks the runs of one store."""

    def take(self, run_id: str) -> RunLock | None:
        """Lock a run; None while somebody else has it."""

    def held(self, run_ids: Iterable[str]) -> set[str]:
        """Return those of the runs that somebody holds; takes and writes nothing."""

    def any_held(self) -> bool:
        """Say whether any run is held by anybody."""


class RangeLocks:
    """One byte of one file for each run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, run_id: str) -> RunLock | None:
        descriptor = _open(self._path, os.O_RDWR | os.O_CREAT)
        if _range_lock(descriptor, fcntl.F_WRLCK, _offset(run_id), 1):
            return RunLock(descriptor)
        os.close(descriptor)
        return None

    def held(self, run_ids: Iterable[str]) -> set[str]:
        with _existing(self._path) as descriptor:
            if descriptor is None:
                return set()
            return {each for each in run_ids if _range_taken(descriptor, _offset(each), 1)}

    def any_held(self) -> bool:
        with _existing(self._path) as descriptor:
            return descriptor is not None and _range_taken(descriptor, 0, _SPACE)


class FileLocks:
    """One file for each run that is held; it is removed when the run is released."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def take(self, run_id: str) -> RunLock | None:
        path = self._file(run_id)
        # Somebody who only looks holds a file for a moment, and one who releases it removes it.
        for _ in range(_TRIES):
            descriptor = _open(path, os.O_RDWR | os.O_CREAT)
            if _lock(descriptor):
                if _is(path, descriptor):
                    return RunLock(descriptor, path)
                _unlock(descriptor)
            os.close(descriptor)
            time.sleep(_PAUSE)
        return None

    def held(self, run_ids: Iterable[str]) -> set[str]:
        return {each for each in run_ids if _file_taken(self._file(each))}

    def any_held(self) -> bool:
        return any(map(_file_taken, self._directory.glob("[!s]*.lock")))

    def _file(self, run_id: str) -> Path:
        name = "schema" if run_id == SCHEMA else f"{_offset(run_id):016x}"
        return self._directory / f"{name}.lock"


def locks_for(database: Path) -> RunLocks:
    """Return the locks of a database file: they lie next to it, and are of the best kind there is here."""
    if hasattr(fcntl, "F_OFD_SETLK"):
        return RangeLocks(database.with_name(f"{database.name}.lock"))
    return FileLocks(database.with_name(f"{database.name}.locks"))


@contextmanager
def alone(locks: RunLocks, patience: float) -> Iterator[None]:
    """Hold `SCHEMA` for the block; raises StoreError when it is not free within `patience` seconds."""
    end = time.monotonic() + patience
    while (lock := locks.take(SCHEMA)) is None:
        if time.monotonic() > end:
            raise StoreError(
                f"another process has been preparing the metadata store for more than {patience:.0f} s",
                hint="end that process, then try again",
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


def _offset(run_id: str) -> int:
    """Return the byte that stands for a run; that of the schema lies beyond all of them."""
    if run_id == SCHEMA:
        return _SPACE
    return int.from_bytes(blake2b(run_id.encode(), digest_size=8).digest()) >> 2


def _open(path: Path, flags: int) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot use the lock file {str(path)!r}: {error.strerror or error}",
        hint="whoever runs pipelines has to be able to write next to the metadata store",
    )


@contextmanager
def _existing(path: Path) -> Iterator[int | None]:
    """Open a lock file to look at it, without making it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _refused(path, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _range(kind: int, start: int, length: int) -> bytes:
    return struct.pack(_RANGE, kind, os.SEEK_SET, start, length, 0)


def _range_lock(descriptor: int, kind: int, start: int, length: int) -> bool:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _range(kind, start, length))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _range_taken(descriptor: int, start: int, length: int) -> bool:
    asked = _range(fcntl.F_WRLCK, start, length)
    kind, *_ = struct.unpack(_RANGE, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return bool(kind != fcntl.F_UNLCK)


def _file_taken(path: Path) -> bool:
    with _existing(path) as descriptor:
        if descriptor is None:
            return False
        free = _lock(descriptor, shared=True)
        if free:
            _unlock(descriptor)
        return not free


def _is(path: Path, descriptor: int) -> bool:
    """Say whether `path` still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(descriptor: int) -> None:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    else:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

"""A file in the making: nobody sees it before it is whole, and it never takes the place of another."""

# These are the hottest file operations of a run; a Path for each would double their cost.
# ruff: noqa: PTH103, PTH104, PTH108, PTH110, PTH112, PTH120

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import Any

from dovetail.plugin import hit, new_id

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: what a killed writer leaves is then not told from what a live one writes
    fcntl = None

PARTIAL = ".partial"
# A file without a name vanishes with its writer, however that ends; /proc is what gives it a name (open(2)).
_UNNAMED = getattr(os, "O_TMPFILE", 0) if os.path.isdir("/proc/self/fd") else 0
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_FLAGS = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Draft:
    """One new file in the directory of `target`, open for reading and writing.

    End it with `publish` or `discard`. All methods raise OSError.
    """

    __slots__ = ("_name", "_target", "descriptor")

    def __init__(self, target: str) -> None:
        self._target = target
        self._name: str | None = None
        try:
            self.descriptor = self._open()
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self.descriptor = self._open()

    def _open(self) -> int:
        directory = os.path.dirname(self._target)
        if _UNNAMED:
            try:
                return os.open(directory, _UNNAMED | _FLAGS, 0o666)
            except OSError as error:
                if error.errno not in _NO_UNNAMED:
                    raise
        while True:
            name = f"{directory}/.{new_id()}{PARTIAL}"
            descriptor = os.open(name, os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
            lock(descriptor)
            if os.path.exists(name):
                self._name = name
                return descriptor
            os.close(descriptor)  # swept by another process before it was held

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`."""
        written = os.write(self.descriptor, data)
        while written < len(data):
            written += os.write(self.descriptor, memoryview(data)[written:])

    def publish(self, *, durable: bool) -> None:
        """Give the file its name. Raises FileExistsError, and changes nothing, where the name is taken."""
        if durable:
            os.fsync(self.descriptor)
        hit("rename")
        if self._name is not None:
            self._rename(self._name)
        else:
            # Beside an absolute path the directory descriptor only selects linkat(2), which follows links.
            source = f"/proc/self/fd/{self.descriptor}"
            os.link(source, self._target, src_dir_fd=self.descriptor, follow_symlinks=True)
        os.close(self.descriptor)
        self.descriptor = -1

    def _rename(self, name: str) -> None:
        if os.name == "nt":
            os.close(self.descriptor)
            self.descriptor = -1
            os.rename(name, self._target)
            self._name = None
            return
        move(name, self._target)
        self._name = None

    def discard(self) -> None:
        """Leave nothing behind; may be called after `publish`, which it does not undo."""
        if self._name is not None:
            name, self._name = self._name, None
            os.unlink(name)
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


class DraftStream(io.FileIO):
    """The raw stream on a draft; a refusal of the operating system becomes what `refusal` makes of it.

    Closing it flushes what is buffered above it and leaves the draft as it is.
    """

    def __init__(self, draft: Draft, refusal: Callable[[OSError, str], Exception]) -> None:
        super().__init__(draft.descriptor, "r+b", closefd=False)
        self._refusal = refusal

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer, as the base has it
        try:
            return super().write(data)
        except OSError as error:
            need = f"write {memoryview(data).nbytes} bytes behind the first {self.tell()}"
            raise self._refusal(error, need) from error


def move(source: str, target: str) -> None:
    """Give a file the name `target` instead of `source`; raises FileExistsError where that is taken.

    Where there are no hard links the file is renamed under a lock of the target's directory, which every
    writer of ours takes.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        os.unlink(source)
        return
    directory = os.open(os.path.dirname(target), os.O_RDONLY)
    try:
        lock(directory, wait=True)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        os.rename(source, target)
    finally:
        os.close(directory)


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Mark what is open as belonging to a live process; say whether it did not belong to one before."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True

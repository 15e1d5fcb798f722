"""The scratch directory of a run: files of this machine that nobody needs when the run is over."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from dovetail.builtin.draft import lock
from dovetail.errors import StoreError

_PREFIX = "dovetail-scratch-"


class Scratch:
    """A new directory where temporary files go; what killed runs left there is removed on the way.

    A live run is known by a lock on its directory, which the kernel takes off when the process dies.

    Raises:
        StoreError: there is no place for one.
    """

    def __init__(self) -> None:
        try:
            sweep_scratch()
            self.path, self._holder = _hold_directory()
        except OSError as error:
            raise _refused("a scratch directory cannot be made", error) from error

    def close(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None


def _hold_directory() -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if os.name == "nt":
            return path, None
        with suppress(FileNotFoundError):  # another run swept it before it was held
            holder = os.open(path, os.O_RDONLY)
            if lock(holder) and path.is_dir():
                return path, holder
            os.close(holder)


def sweep_scratch() -> None:
    """Remove the directories of runs that no live process holds."""
    if os.name == "nt":
        return
    for entry in os.scandir(tempfile.gettempdir()):
        if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
            continue
        with suppress(OSError):  # somebody else's, or gone by now
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.getuid() and lock(descriptor):
                    shutil.rmtree(entry.path, ignore_errors=True)
            finally:
                os.close(descriptor)


def write_scratch(path: Path, data: bytes) -> None:
    """Write a file in it.

    Raises:
        StoreError: it cannot be written whole; nothing is left of it then.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _refused(f"cannot write {len(data)} bytes to {str(path)!r}", error) from error


def _refused(what: str, error: OSError) -> StoreError:
    return StoreError(
        f"{what}: {error.strerror or error}",
        hint="free space where temporary files go, or name another place for them: TMPDIR=/path/of/it",
    )

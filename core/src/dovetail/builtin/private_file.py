"""Files for one user's eyes: 0600 in directories 0700 whatever the umask, each replaced in one piece."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dovetail.plugin import StoreError, hit, new_id

PARTIAL = ".partial"
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def replace(path: Path, data: bytes) -> None:
    """Let the file hold `data`, on disk; a reader, also after a crash, sees the old content or the new."""
    with _refusals(path):
        fresh = _written(path, data)
        try:
            hit("rename")
            fresh.replace(path)
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()
        _flush_directory(path.parent)


def create(path: Path, data: bytes) -> bool:
    """Make the file unless it is there; say whether this call made it."""
    with _refusals(path):
        fresh = _written(path, data)
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        _flush_directory(path.parent)
        return True


def read(path: Path) -> bytes | None:
    """Return the content of the file, None where there is none."""
    with _refusals(path):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


def check_private(path: Path, what: str) -> None:
    """Raise StoreError where others may read the file."""
    if os.name != "nt" and (mode := path.stat().st_mode & 0o777) & 0o077:
        raise StoreError(
            f"{what} {str(path)!r} may be read by others: its mode is {mode:04o}",
            hint=f"chmod 600 {path}",
        )


def _written(path: Path, data: bytes) -> Path:
    """Return a new file beside `path` that holds `data`."""
    _make_private(path.parent)
    fresh = path.with_name(f".{new_id()}{PARTIAL}")
    descriptor = os.open(fresh, _FLAGS, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fresh.chmod(0o600)  # the umask may have taken some of it
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        fresh.unlink()
        raise
    return fresh


def _make_private(directory: Path) -> None:
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    if os.name != "nt" and directory.stat().st_mode & 0o777 != 0o700:  # noqa: PLR2004 - rwx for the owner
        directory.chmod(0o700)


def _flush_directory(directory: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{str(path)!r}: {error.strerror or error}", hint="see to the place, then try again"
        ) from error

"""A YAML file that several processes change: under a lock, in one piece, never half written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dovetail.errors import ConfigurationError, ConflictError, StoreError
from dovetail.names import new_id
from dovetail.references import load

try:
    import fcntl
except ImportError:
    POSIX = False
else:
    POSIX = True

PATIENCE = 30.0
"""Seconds to wait for a lock; those who hold one do so for milliseconds."""
STALE = 10.0
"""Seconds after which a portable lock is taken for left behind by a process that was killed."""


def read_document(path: Path) -> dict[str, Any] | None:
    """Return the mapping in the file, None where there is no file.

    Raises:
        ConfigurationError: it cannot be read, is no YAML, or is no mapping.
    """
    text = _text(path)
    if text is None:
        return None
    twin = _twin(path)
    document = _from_twin(twin, text)
    if document is None:
        document = _parse(path, text)
        with suppress(OSError):  # a place that cannot be written is read a little slower
            _write_twin(twin, text, document)
    return document


def write_document(path: Path, document: dict[str, Any], heading: str = "") -> None:
    """Replace the file by `document` below a comment line `heading`; a reader sees the old or the new.

    Raises:
        StoreError: the place cannot be written; the old file stays.
    """
    comment = f"# {heading}\n" if heading else ""
    dump: Callable[[object], str] = load("dovetail.yamlio:write_yaml")
    write_text(path, comment + dump(document))


def remove_document(path: Path) -> None:
    """Remove the file and what stands beside it; raises StoreError where that is refused."""
    try:
        path.unlink(missing_ok=True)
        _twin(path).unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from error


def _text(path: Path) -> str | None:
    if path.is_fifo():
        raise ConfigurationError("it is a pipe, not a file", hint="put a file there", where=str(path))
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"it cannot be read: {reason}", hint="mend the file", where=str(path)
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    read: Callable[[str, str], object] = load("dovetail.yamlio:read_yaml")
    document = read(text, str(path))
    if not isinstance(document, dict):
        found = "an empty document" if document is None else type(document).__name__
        raise ConfigurationError(
            f"a mapping is expected, this is {found}", hint="mend it, or remove the file", where=str(path)
        )
    return document


def _twin(path: Path) -> Path:
    """Return the file that holds the same as JSON, next to the text it was read from.

    Reading YAML takes longer than all else that a command does which only lists something. The text is
    compared whole, so an edit by hand always counts.
    """
    return path.with_name(f".{path.name}.json")


def _from_twin(twin: Path, text: str) -> dict[str, Any] | None:
    try:
        kept = json.loads(twin.read_bytes())
        document = kept["document"] if kept["text"] == text else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return document if isinstance(document, dict) else None


def _write_twin(twin: Path, text: str, document: dict[str, Any]) -> None:
    kept = json.dumps({"text": text, "document": document})
    if json.loads(kept)["document"] == document:  # JSON has no keys but texts
        _replace(twin, kept)


def write_text(path: Path, text: str) -> None:
    """Replace the file by `text` in one piece; raises StoreError and leaves nothing behind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise _refused(path, error) from error


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{new_id()}")
    try:
        with fresh.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def change(path: Path, changes: Callable[[dict[str, Any] | None], dict[str, Any]], heading: str = "") -> None:
    """Replace the file by what `changes` makes of its mapping (None where there is no file), under a lock.

    When `changes` raises, nothing is written. Comments that somebody wrote into the file are lost.
    """
    with lock(path):
        write_document(path, changes(read_document(path)), heading)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock of the file `path`; it is free again when the process dies.

    Raises:
        ConflictError: somebody holds it for longer than anybody should.
        StoreError: the place cannot be written.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        held = _posix_lock(beside) if POSIX else _portable_lock(beside)
    except OSError as error:
        raise _refused(path, error) from error
    with held:
        yield


@contextmanager
def _held_open(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held_file(beside: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):
            beside.unlink()


def _posix_lock(beside: Path) -> Any:  # noqa: ANN401 - a context manager
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _wait(beside, lambda: _flock(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return _held_open(descriptor)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _portable_lock(beside: Path) -> Any:  # noqa: ANN401 - a context manager
    _wait(beside, lambda: _create_alone(beside))
    return _held_file(beside)


def _create_alone(beside: Path) -> bool:
    """Make the lock file; one that is too old is moved away first, which only one process can do."""
    try:
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        with suppress(OSError):
            if time.time() - beside.stat().st_mtime > STALE:
                aside = beside.with_name(f"{beside.name}.{new_id()}")
                beside.rename(aside)
                aside.unlink()
        return False
    return True


def _wait(beside: Path, take: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    pause = 0.001
    while not take():
        if time.monotonic() > end:
            raise ConflictError(
                f"{str(beside)!r} is locked for more than {PATIENCE:.0f} s",
                hint="another dovetail command is changing this file; end it and try again",
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _refused(path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"{str(path)!r} cannot be written: {reason}",
        hint="make the place writable, or set DOVETAIL_HOME to one that is",
    )

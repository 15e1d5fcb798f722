"""The file in which the index is kept between commands, and the list of integrations that are disabled."""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from dovetail.errors import StoreError
from dovetail.home import home_directory

try:
    import fcntl
except ImportError:  # elsewhere than on POSIX two surveys may run side by side; the last one stays
    fcntl = None  # type: ignore[assignment]

# Changes with what is kept; an index of another format is not read.
FORMAT = 2
_KEEP_DAYS = 90


def cache_file(name: str) -> str:
    """Return where the index of one set of places is kept."""
    return f"{home_directory()}/cache/index-{name}.json"


def read(name: str) -> dict[str, Any] | None:
    """Return what is kept, None where nothing is, or nothing that this program can read."""
    try:
        with open(cache_file(name), "rb") as file:  # noqa: PTH123 - pathlib costs milliseconds
            head, content = file.readline(), file.read()
        if head != _head(content):
            return None
        kept = json.loads(content)
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def write(name: str, document: dict[str, Any]) -> bool:
    """Keep an index: readers see the old one or this one whole. Say whether it could be kept."""
    target = cache_file(name)
    fresh = f"{target}.{os.getpid()}"
    content = json.dumps(document).encode()
    try:
        with open(fresh, "wb") as file:  # noqa: PTH123 - the same
            file.write(_head(content) + content)
        os.replace(fresh, target)  # noqa: PTH105 - the same
        _forget(os.path.dirname(target))  # noqa: PTH120 - the same
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)  # noqa: PTH108 - the same
        return False
    return True


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes from surveying at the same time, where the home can be written."""
    path = f"{cache_file(name)}.lock"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - the same
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        yield
        return
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def disabled() -> list[str]:
    """Return the integrations that are disabled: in the home, and by DOVETAIL_DISABLED_INTEGRATIONS."""
    names = os.environ.get("DOVETAIL_DISABLED_INTEGRATIONS", "").replace(",", " ").split()
    with contextlib.suppress(OSError, ValueError), open(_disabled_file(), encoding="utf-8") as file:  # noqa: PTH123 - the same
        names += file.read().split()
    return sorted(set(names))


def disable(names: Sequence[str]) -> None:
    """Keep exactly these integrations as disabled in the home.

    Raises:
        StoreError: the home cannot be written.
    """
    target = _disabled_file()
    fresh = f"{target}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - the same
        with open(fresh, "w", encoding="utf-8") as file:  # noqa: PTH123 - the same
            file.write("".join(f"{name}\n" for name in sorted(set(names))))
        os.replace(fresh, target)  # noqa: PTH105 - the same
    except OSError as error:
        raise StoreError(
            f"cannot write {target!r}: {error.strerror}",
            hint="make it writable, or set DOVETAIL_DISABLED_INTEGRATIONS",
        ) from error


def _head(content: bytes) -> bytes:
    """Return the first line of a kept file: what it is, and a checksum against damage."""
    return b'{"format": %d, "crc32": "%08x"}\n' % (FORMAT, binascii.crc32(content))


def _disabled_file() -> str:
    return f"{home_directory()}/disabled-integrations"


def _forget(folder: str) -> None:
    """Remove indexes of environments that nobody has used for long."""
    oldest = time.time() - _KEEP_DAYS * 86400
    with os.scandir(folder) as entries:
        old = [
            each.path for each in entries if each.name.startswith("index-") and each.stat().st_mtime < oldest
        ]
    for path in old:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - the same

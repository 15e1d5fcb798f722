"""The connection that stays open when a run is over, so that its database is not folded up at every end."""

from __future__ import annotations

import atexit
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_inherited: list[sqlite3.Connection] = []
_kept: list[tuple[Path, int, sqlite3.Connection]] = []


def keep(path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
    """Hold one connection to `path` until the process ends, or until it works with another database.

    SQLite writes its log back, flushes three times and removes it when the last connection is closed, and
    begins a new one at the next opening: for a process with many short runs that is most of their cost.
    """
    if os.name == "nt":  # an open file could not be deleted there
        return
    if kept(path):
        return
    number = path.stat().st_ino
    fresh = connect()
    release()
    _kept.append((path, number, fresh))


def kept(path: Path) -> bool:
    """Say whether this process holds a connection to `path`, and the file is still the same."""
    with suppress(FileNotFoundError):
        return any(each[0] == path and each[1] == path.stat().st_ino for each in _kept)
    return False


@atexit.register
def release() -> None:
    """Close what is kept."""
    while _kept:
        _kept.pop()[2].close()


def _after_fork() -> None:
    # It is the parent's: closed here, it would take the log away from under it.
    while _kept:
        _inherited.append(_kept.pop()[2])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

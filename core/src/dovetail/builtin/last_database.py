"""The database that stays open when a run is over, so that the next run of the process finds it warm."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from typing import NamedTuple

from dovetail.plugin import Database


class Identity(NamedTuple):
    """Which file a database has, and how it was opened: what is equal can be used in each other's place."""

    path: str
    inode: int
    access: str
    durability: str


_kept: dict[Identity, Database] = {}


def keep(identity: Identity, database: Database) -> None:
    """Hold a database until somebody takes it, another one is kept, or the process ends.

    SQLite writes its log back, flushes three times and removes it when the last connection is closed; the
    next one begins a new log and has to read every page anew: for a process with many short runs that is
    most of their cost.
    """
    release()
    if os.name == "nt":  # an open file could not be deleted there
        database.close()
    else:
        _kept[identity] = database


def take(identity: Identity) -> Database | None:
    """Return what is kept of this file and let go of it; None where nothing is."""
    return _kept.pop(identity, None)


@atexit.register
def release() -> None:
    """Close what is kept."""
    while _kept:
        with suppress(KeyError):  # another thread was faster
            _kept.popitem()[1].close()

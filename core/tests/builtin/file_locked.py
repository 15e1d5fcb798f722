"""A SQLite store as it is where the system cannot lock byte ranges for an open file."""

from __future__ import annotations

from functools import cached_property

from dovetail.builtin.run_locks import FileLocks, RunLocks
from dovetail.builtin.sqlite import SqliteMetadataStore


class FileLockedStore(SqliteMetadataStore):
    """Locks whole files."""

    @cached_property
    def _locks(self) -> RunLocks:
        return FileLocks(self.path.with_name("runs.locks"))

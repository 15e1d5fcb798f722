"""Metadata in one SQLite file of this machine, with run leases that die with their process."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import QueuePool

from dovetail.builtin import last_connection
from dovetail.builtin.run_locks import RunLock, RunLocks, alone, locks_for
from dovetail.plugin import ComponentConfig, Reach, SqlMetadataStore, StoreError

BUSY = 60.0
"""For how many seconds a writer waits for the others."""

_LEAST_SPACE = 1 << 20
"""With less free, a database that cannot be written to or opened has no space."""

_LONGEST_PATH = 500
"""SQLite takes 512 bytes, the ending of its further files included."""

# One statement, and so one moment: somebody else may be making the schema.
_WHOSE = """
    SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
    FROM pragma_user_version, pragma_application_id
"""
_APPLICATION = 0x446F7665
"""What marks a file as ours: SQLite's application id, `Dove`."""


class SqliteMetadataStoreConfig(ComponentConfig):
    """Where the file lies, and when a commit has to survive a loss of power.

    A relative `path` means the directory in which it is said, None `metadata.db` in the component's
    home. `durability` is `run` (what a completed run recorded is on disk) or `step` (each step, before
    the next is started).
    """

    path: str | None = Field(
        default=None, description="The database file; default: metadata.db in the component's home."
    )
    durability: Literal["run", "step"] = Field(
        default="run",
        description="What a loss of power leaves: completed runs, or each step recorded.",
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else str(Path(path).expanduser().absolute())


class SqliteMetadataStore(SqlMetadataStore):
    """Keeps the facts in one file in WAL mode; the lock file next to it tells which runs live."""

    config_class = SqliteMetadataStoreConfig
    migrates = True
    reach = Reach.HOST

    _access = "rwc"

    @cached_property
    def path(self) -> Path:
        """The database file, with links followed: the lock lies next to the real one."""
        return Path(self.config.path or self.home / "metadata.db").resolve()

    def open(self) -> None:
        self._access = self._find_access()
        self._refuse_newer_log()
        super().open()

    def make_engine(self) -> Engine:
        # A connection that is given back is in no transaction: each is ended where it was begun.
        return create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            max_overflow=-1,
            pool_reset_on_return=None,
        )

    def hold(self, run_id: str) -> RunLock | None:
        if self._access != "rwc":
            raise self._read_only()
        last_connection.keep(self.path, self._connect)
        return self._locks.take(run_id)

    def held(self, run_ids: Sequence[str]) -> set[str]:
        return self._locks.held(run_ids)

    def exclusive(self) -> AbstractContextManager[None]:
        if self._access != "rwc":
            raise self._read_only()
        return alone(self._locks, BUSY)

    @cached_property
    def _locks(self) -> RunLocks:
        return locks_for(self.path)

    def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:  # noqa: FBT001 - a callback
        if self._access != "rwc":
            raise self._read_only()
        if durable:
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("BEGIN IMMEDIATE")

    def end_durable(self, cursor: DBAPICursor) -> None:
        cursor.execute(self._flush_policy())

    def schema_version(self) -> int | None:
        with self.database.reading() as cursor:
            cursor.execute(_WHOSE)
            version, application, tables = cursor.fetchall()[0]
            if version and application == _APPLICATION:
                return int(version)
            if application or tables:
                raise StoreError(
                    f"{str(self.path)!r} is a database of another program",
                    hint="give the metadata store a path of its own",
                )
        return None

    def stamp(self, cursor: DBAPICursor, version: int) -> None:
        cursor.execute(f"PRAGMA user_version={int(version)}")
        cursor.execute(f"PRAGMA application_id={_APPLICATION}")

    def before_creation(self) -> None:
        """Switch to WAL, which the file then stays in; who else opens the file now may be in the way."""
        end = time.monotonic() + BUSY
        while True:
            try:
                with closing(self._connect()) as connection:
                    connection.execute("PRAGMA journal_mode=WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise self.refusal(error) from error
                time.sleep(0.01)

    def before_migration(self, version: int) -> None:
        if self._locks.any_held():
            raise StoreError(
                f"{str(self.path)!r} has to be migrated from schema version {version}, but runs go on",
                hint="try again when they have ended",
            )
        copy = self.path.with_name(f"{self.path.name}.v{version}.{time.strftime('%Y%m%d-%H%M%S')}.backup")
        partial = copy.with_name(f".{copy.name}.partial")
        partial.unlink(missing_ok=True)
        with closing(self._connect()) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        partial.replace(copy)

    def refusal(self, error: Exception) -> StoreError:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", -1) & 0xFF
        if code in _PERHAPS_FULL and (free := self._free()) < _LEAST_SPACE:
            return StoreError(
                f"no space left: metadata store {str(self.path)!r} cannot write ({free} bytes are free)",
                hint="free space there, then try again; what was recorded before is intact",
            )
        if code == sqlite3.SQLITE_CANTOPEN and len(os.fsencode(self.path)) > _LONGEST_PATH:
            return StoreError(
                f"the path of metadata store {str(self.path)!r} is too long for SQLite",
                hint=f"choose one of at most {_LONGEST_PATH} bytes",
            )
        what, hint = _REFUSALS.get(code, (str(cause), "see `dovetail metadata-store list` for the place"))
        return StoreError(f"metadata store {str(self.path)!r}: {what}", hint=hint)

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError:
            return _LEAST_SPACE

    def _find_access(self) -> str:
        path = self.path
        if path.exists():
            if not path.is_file():
                raise StoreError(f"{str(path)!r} is no file", hint="configure another `path`")
            writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
            return "rwc" if writable else "ro"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the folder of metadata store {str(path)!r}: {error.strerror}",
                hint="make it, or configure another `path`",
            ) from error
        return "rwc"

    def _refuse_newer_log(self) -> None:
        """Look into a file without merging its log into it: that would change a newer store."""
        if self._access == "rwc" and not last_connection.kept(self.path) and self._has_log():
            try:
                with closing(self._connect_as("ro")) as connection:
                    self.check_version(connection.execute("PRAGMA user_version").fetchone()[0])
            except sqlite3.Error as error:
                raise self.refusal(error) from error

    def _has_log(self) -> bool:
        """Say whether some of what was written is not in the file itself yet."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size > 0
        except FileNotFoundError:
            return False

    def _read_only(self) -> StoreError:
        return StoreError(
            f"metadata store {str(self.path)!r} is read-only here",
            hint="runs can be looked at; to run pipelines, make file and folder writable",
        )

    def _flush_policy(self) -> str:
        return f"PRAGMA synchronous={'FULL' if self.config.durability == 'step' else 'NORMAL'}"

    def _connect(self) -> sqlite3.Connection:
        if self._access == "rwc":
            return self._connect_as("rwc")
        try:
            return self._connect_as("ro")
        except sqlite3.OperationalError:
            if self._has_log():
                raise
            # A file in WAL mode needs a second one to be read, which cannot be made here. Nobody can
            # write to it here either, and it is complete.
            return self._connect_as("immutable")

    def _connect_as(self, access: str) -> sqlite3.Connection:
        mode = "mode=ro&immutable=1" if access == "immutable" else f"mode={access}"
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?{mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            connection.execute(self._flush_policy())
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA journal_size_limit=67108864")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection


# With no page left for the index of its log, SQLite says that reading or opening failed.
_PERHAPS_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_REFUSALS = {
    sqlite3.SQLITE_FULL: (
        "no space left for it: the device or a quota is full",
        "free space there, then try again; what was recorded before is intact",
    ),
    sqlite3.SQLITE_BUSY: (
        f"other processes kept it busy for {BUSY:.0f} s",
        "look for a process that hangs while it holds the file",
    ),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "make file and folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check that its folder exists and is accessible"),
    sqlite3.SQLITE_NOTADB: ("this file is no SQLite database", "configure another `path`"),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "restore it from a backup (`*.backup` next to it)"),
    sqlite3.SQLITE_IOERR: (
        "reading or writing failed",
        "check the disk, its free space, and limits: a quota, or one for the size of a file",
    ),
}

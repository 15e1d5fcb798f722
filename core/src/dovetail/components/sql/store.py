"""SqlMetadataStore: the facts of runs in a relational database, whichever it is."""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Protocol

from sqlalchemy import Connection, Engine, Table, inspect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.schema import CreateIndex, CreateTable

from dovetail.components.metadata_store import Facts, Lease
from dovetail.components.sql.database import Database
from dovetail.components.sql.persistence import persistent
from dovetail.components.sql.queries import SqlQueries
from dovetail.components.sql.recording import Recorder, forget_unreferenced
from dovetail.components.sql.schema import SCHEMA, Schema
from dovetail.components.sql.statements import pick
from dovetail.errors import LeaseError, StoreError
from dovetail.failpoints import hit
from dovetail.records.record import now
from dovetail.records.run import RunRecord
from dovetail.references import load

_NEWEST = "upgrade dovetail (`pip install -U dovetail`), or use another metadata store"


class Hold(Protocol):
    """A lock on a run that this process has, and that the death of the process frees."""

    @property
    def live(self) -> bool:
        """Say whether this process still has it."""

    def release(self) -> None:
        """Give it up; may be called twice."""


class SqlLease:
    """A lease whose lock is a `Hold`."""

    def __init__(self, run_id: str, epoch: int, hold: Hold) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self.hold = hold

    def release(self) -> None:
        """Give the run up; may be called twice."""
        self.hold.release()

    def __repr__(self) -> str:
        state = "held" if self.hold.live else "released"
        return f"<lease of run {self.run_id!r}, epoch {self.epoch}, {state}>"


class SqlMetadataStore(SqlQueries):
    """Keeps everything in tables that it makes by itself.

    A subclass gives the database and the lock, for its own server: `make_engine`, `hold`, `held` and
    `exclusive`, and may override the hooks below them. What is recorded, and how it is asked for, is the
    same for all.
    """

    schema: ClassVar[Schema] = SCHEMA
    migrates: ClassVar[bool] = False
    """Whether `open` migrates an older schema by itself; else only a command does."""

    _database: Database | None = None

    @abstractmethod
    def make_engine(self) -> Engine:
        """Make the engine; called once by `open`, connects to nothing yet."""

    @abstractmethod
    def hold(self, run_id: str) -> Hold | None:
        """Lock a run for this process; None while somebody else has it. Waits for nobody."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """Keep everybody else from making or migrating the schema; waits for its turn."""

    def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:  # noqa: FBT001 - a callback
        """Begin a transaction that will write; most drivers do by themselves."""

    def end_durable(self, cursor: DBAPICursor) -> None:
        """Undo what `start_writing` did for a durable transaction."""

    def refusal(self, error: Exception) -> StoreError:
        """Say in words what an error of the driver means."""
        return StoreError(f"metadata store {self.name!r}: {error}", hint="is the database reachable?")

    def lost(self, error: BaseException) -> bool:
        """Say whether an error of the driver means that the connection is gone."""
        return False

    def answered(self) -> None:
        """Hear that the database has answered; called after every transaction."""

    def schema_version(self) -> int | None:
        """Return the version of the schema, None where there is none."""
        if not self.database.has_table("alembic_version"):
            return None
        with self.database.reading() as cursor:
            run = self.database.statements
            found = run.run(cursor, {}, pick, "alembic_version", ("version_num",), ()).fetchall()
        if not all(row[0].isdigit() for row in found) or len(found) > 1:
            raise self._not_ours("it has migrations of another program")
        return int(found[0][0]) if found else None

    def _not_ours(self, found: str) -> StoreError:
        return StoreError(
            f"metadata store {self.name!r} is to use a database of another program: {found}",
            hint="give the metadata store a database, or a schema, of its own",
        )

    def stamp(self, cursor: DBAPICursor, version: int) -> None:
        """Note the version where else the database keeps it, in the transaction that changes the schema."""

    def continue_counting(self, cursor: DBAPICursor) -> None:
        """Let counters go on behind the largest number, after rows came with numbers of their own."""

    def before_creation(self) -> None:
        """Prepare an empty database; called while nobody else does."""

    def before_migration(self, version: int) -> None:
        """Make a backup; called while nobody else can write. `version` is that of the schema as it is."""

    @property
    def database(self) -> Database:
        if self._database is None:
            raise StoreError(f"metadata store {self.name!r} is not open", hint="call `open()` first")
        return self._database

    def open(self) -> None:
        if self._database is not None:
            return
        self._connect_database()
        try:
            self._settle_schema()
        except BaseException:
            self.close()
            raise

    def _connect_database(self) -> None:
        self._database = Database(
            self.make_engine(),
            begin=self.start_writing,
            end=self.end_durable,
            refusal=self.refusal,
            lost=self.lost,
            answered=self.answered,
        )

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _settle_schema(self) -> None:
        if self.check_version(self.schema_version()):
            return
        with self.exclusive():
            version = self.schema_version()
            if self.check_version(version):
                return
            if version is None:
                self._create()
            elif self.migrates:
                self._migrate(version)
            else:
                raise StoreError(
                    f"the schema of metadata store {self.name!r} has version {version}, this program needs "
                    f"{self.schema.version}",
                    hint=f"make a backup, then run `dovetail metadata-store migrate {self.name}`",
                )

    def check_version(self, version: int | None) -> bool:
        """Say whether the schema is the one that is wanted; refuse a newer one.

        Raises:
            StoreError: a newer program made the schema.
        """
        if version is not None and version > self.schema.version:
            raise StoreError(
                f"the schema of metadata store {self.name!r} has version {version}, this program knows "
                f"versions up to {self.schema.version}",
                hint=_NEWEST,
            )
        return version == self.schema.version

    def _create(self) -> None:
        """Make all tables as they are now, and note which revision that is; alembic is not needed.

        Some servers keep the tables that an interrupted creation has made: it is taken up from there.
        """
        self.before_creation()
        with self.database.migrating() as connection:
            known = set(inspect(connection).get_table_names())
            tables = self.schema.tables.tables
            if "alembic_version" not in known and (strange := sorted(known & tables.keys())):
                raise self._not_ours(f"there is a table {strange[0]!r}")
            self._make_table(connection, tables["alembic_version"], known)
            for table in self.schema.tables.sorted_tables:
                if table.name != "alembic_version":
                    self._make_table(connection, table, known)
            insert = self.schema.tables.tables["alembic_version"].insert()
            connection.execute(insert, {"version_num": self.schema.revision})
            self._stamp(connection)
            hit("create")

    def _make_table(self, connection: Connection, table: Table, known: Collection[str]) -> None:
        hit("create")
        there = set()
        if table.name in known:
            there = {each["name"] for each in inspect(connection).get_indexes(table.name)}
        else:
            connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            if index.name not in there:
                connection.execute(CreateIndex(index))

    def migrate(self) -> int | None:
        """Bring the schema up to date, in place of `open`; return its version before, None where it was none.

        May be called again after it was interrupted.

        Raises:
            StoreError: a newer program made the schema, or runs go on.
        """
        self._connect_database()
        with self.exclusive():
            version = self.schema_version()
            if not self.check_version(version):
                self._refuse_live_runs()
                if version is None:
                    self._create()
                else:
                    self._migrate(version)
        return version

    def _refuse_live_runs(self) -> None:
        if not self.database.has_table("runs"):
            return
        unfinished = [
            row[0]
            for status in ("pending", "running")
            for row in self._rows({"at_status": status}, "runs", ("id",), ("status",))
        ]
        if live := sorted(self.held(unfinished)):
            raise StoreError(
                f"run {live[0]!r} goes on in metadata store {self.name!r}, which is to be migrated",
                hint="try again when it has ended",
            )

    def _migrate(self, version: int) -> None:
        upgrade = load("dovetail.components.sql.upgrade:upgrade")
        with self.database.migrating() as connection:
            self.before_migration(version)
            upgrade(connection, self.schema)
            self._stamp(connection)

    def _stamp(self, connection: Connection) -> None:
        self.stamp(connection.connection.cursor(), self.schema.version)

    @persistent
    def acquire(self, run_id: str) -> SqlLease:
        hold = self.hold(run_id)
        if hold is None:
            raise LeaseError(
                f"run {run_id!r} is owned by {self._owner(run_id)}",
                hint=f"wait until it has ended, or end it: dovetail run cancel {run_id}",
            )
        try:
            with self.database.writing() as cursor:
                recorder = Recorder(cursor, self.database.statements, run_id)
                owner = f"process {os.getpid()} on {socket.gethostname()}"
                epoch = recorder.take(owner[:255], now())
        except BaseException:
            hold.release()
            raise
        return SqlLease(run_id, epoch, hold)

    def _owner(self, run_id: str) -> str:
        found = self._rows({"at_run_id": run_id}, "leases", ("owner",), ("run_id",))
        return found[0][0] if found else "another process"

    @persistent
    def begin(self, run: RunRecord, plan: bytes, lease: Lease) -> RunRecord:
        started = run.model_copy(update={"epoch": lease.epoch})
        with self._recording(lease, run.id, begun=False) as recorder:
            sequence = recorder.begin(started, plan)
        return started.model_copy(update={"sequence": sequence})

    @persistent
    def record(self, facts: Facts, lease: Lease) -> None:
        if facts:
            with self._recording(lease, lease.run_id) as recorder:
                recorder.record(facts)

    @persistent
    def finish(self, run: RunRecord, lease: Lease) -> None:
        with self._recording(lease, run.id, durable=True) as recorder:
            recorder.finish(run)

    @persistent
    def delete_run(self, run_id: str, lease: Lease) -> None:
        try:
            with self._recording(lease, run_id, begun=False) as recorder:
                recorder.forget()
        except LeaseError:
            # Deleted already, and by whom else: the answer to that has been lost.
            if not (isinstance(lease, SqlLease) and lease.hold.live) or self._rows(
                {"at_run_id": run_id}, "leases", ("epoch",), ("run_id",)
            ):
                raise

    @persistent
    def forget_artifacts(self, ids: Iterable[str]) -> set[str]:
        with self.database.writing() as cursor:
            return forget_unreferenced(cursor, self.database.statements, list(dict.fromkeys(ids)))

    @contextmanager
    def _recording(
        self, lease: Lease, run_id: str, *, begun: bool = True, durable: bool = False
    ) -> Iterator[Recorder]:
        """Open a transaction in which nobody can take the run from the holder of `lease`."""
        if lease.run_id != run_id:
            raise LeaseError(f"a lease of run {lease.run_id!r} says nothing about run {run_id!r}")
        if isinstance(lease, SqlLease) and not lease.hold.live:
            raise LeaseError(f"the lease of run {run_id!r} was released", hint="acquire the run again")
        with self.database.writing(durable=durable) as cursor:
            recorder = Recorder(cursor, self.database.statements, run_id)
            recorder.check(lease, begun=begun)
            yield recorder

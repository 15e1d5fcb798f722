"""The metadata store in PostgreSQL, with leases that are advisory locks of sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.plugin import ComponentConfig, Reach, ServerMetadataStore, StoreError, tls_context
from dovetail_postgresql import refusals
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig

_NOTICE_THE_DEAD: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""After about 25 s a connection to a machine that has vanished is over, in seconds and milliseconds."""

_HELD = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND (classid::bigint << 32) | objid::bigint = ANY(%s)
"""


class PostgresqlMetadataStore(ServerMetadataStore):
    """Keeps the facts in a schema of a PostgreSQL database."""

    config_class = PostgresqlMetadataStoreConfig
    connection_errors = (psycopg.Error,)

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.reach = Reach.HOST if self.config.on_this_host() else Reach.NETWORK
        self.patience = self.config.patience

    def make_engine(self) -> Engine:
        config = self.config
        if config.sslrootcert is not None:
            tls_context(authorities=config.sslrootcert)
        if config.sslcert is not None and config.sslkey is not None:
            # Where a file is not there, libpq goes without.
            tls_context(certificate=config.sslcert, key=config.sslkey)
        return create_engine("postgresql+psycopg://", creator=self.session, max_overflow=-1)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self.config.url or "",
            autocommit=True,
            **{**_NOTICE_THE_DEAD, **self.config.parameters(), "options": self._options()},
        )

    def _options(self) -> str:
        settings = {
            "search_path": self.config.schema_name,
            "statement_timeout": str(int(self.config.statement_timeout * 1000)),
            "idle_in_transaction_session_timeout": "0",
            "client_encoding": "UTF8",
            "timezone": "UTC",
            # The server, too, notices that this machine has vanished: its leases are free then.
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:  # noqa: FBT001 - a callback
        cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")

    def continue_counting(self, cursor: DBAPICursor) -> None:
        for table in ("runs", "step_runs", "attempts", "metrics"):
            name, column = sql.Identifier(table), sql.Identifier("sequence")
            counter = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'sequence'), max({})) FROM {}")
            cursor.execute(counter.format(sql.Literal(table), column, name))

    def before_creation(self) -> None:
        name = sql.Identifier(self.config.schema_name)
        with self._connected() as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.config.schema_name,)
            )
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._connected() as connection:
            connection.execute("SET statement_timeout = 0")
            connection.execute("SET lock_timeout = '120s'")
            connection.execute("SELECT pg_advisory_lock(%s)", (self._key("schema"),))
            yield  # closing the session frees the lock

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            connection = self.session()
            try:
                yield connection
            finally:
                connection.close()
        except psycopg.Error as error:
            raise self.refusal(error) from error

    def locked(self, cursor: DBAPICursor, run_ids: Sequence[str]) -> set[str]:
        keys = {self._key(each): each for each in run_ids}
        cursor.execute(_HELD, (list(keys),))
        return {keys[row[0]] for row in cursor.fetchall()}

    def try_lock(self, session: psycopg.Connection[Any], run_id: str) -> bool:
        found = session.execute("SELECT pg_try_advisory_lock(%s)", (self._key(run_id),)).fetchone()
        return bool(found and found[0])

    def unlock(self, session: psycopg.Connection[Any], run_id: str) -> None:
        session.execute("SELECT pg_advisory_unlock(%s)", (self._key(run_id),))

    def ping(self, session: psycopg.Connection[Any]) -> None:
        session.execute("")

    def socket_of(self, session: psycopg.Connection[Any]) -> int:
        return session.fileno()

    def _key(self, of: str) -> int:
        """Return the number of an advisory lock; locks are of the database, so the schema goes in."""
        digest = hashlib.sha256(f"dovetail:{self.config.schema_name}:{of}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def lost(self, error: BaseException) -> bool:
        return refusals.lost(error)

    def collided(self, error: BaseException) -> bool:
        return refusals.collided(error)

    def refusal(self, error: Exception) -> StoreError:
        return refusals.refusal(f"metadata store {self.name!r}", error)

"""The metadata store in MySQL or MariaDB, with leases that are named locks of sessions."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from pymysql.connections import Connection
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.plugin import ComponentConfig, Reach, ServerMetadataStore, StoreError, tls_context
from dovetail_mysql import refusals
from dovetail_mysql.settings import MysqlMetadataStoreConfig

_SCHEMA_WAIT = 120
_SESSION = "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
_LEASE_WAIT = 600
"""Seconds without a word after which the server ends a session with a lease: its machine has vanished.

A process that lives says something every few seconds, unless it is stopped or its steps hold the interpreter.
"""

_CHUNK = 200


class MysqlMetadataStore(ServerMetadataStore):
    """Keeps the facts in a database of a MySQL or MariaDB server."""

    config_class = MysqlMetadataStoreConfig
    connection_errors = (pymysql.Error,)

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.reach = Reach.HOST if self.config.on_this_host() else Reach.NETWORK
        self.patience = self.config.patience

    def make_engine(self) -> Engine:
        # A connection that is given back is in no transaction: each is ended where it was begun.
        return create_engine(
            "mysql+pymysql://", creator=self.session, max_overflow=-1, pool_reset_on_return=None
        )

    def connect(self) -> Connection[Any]:
        config = self.config
        place = {"host": config.host, "port": config.port}
        if config.unix_socket is not None:
            place = {"unix_socket": str(config.unix_socket)}
        made = pymysql.connect(
            **place,
            user=config.user,
            password=config.password.get_secret_value() if config.password else "",
            database=config.dbname,
            charset="utf8mb4",
            collation="utf8mb4_bin",
            autocommit=True,
            connect_timeout=config.connect_timeout,
            read_timeout=config.statement_timeout,
            write_timeout=config.statement_timeout,
            max_allowed_packet=1 << 30,
            init_command=_SESSION,
            **self._encryption(),
        )
        with made.cursor() as cursor:
            cursor.execute(_ISOLATION)
        return made

    def _encryption(self) -> dict[str, Any]:
        config = self.config
        if config.sslmode == "disable":
            return {"ssl_disabled": True}
        if config.sslmode is None and config.sslrootcert is None and config.sslcert is None:
            return {}
        context = tls_context(authorities=config.sslrootcert, certificate=config.sslcert, key=config.sslkey)
        context.check_hostname = config.sslmode == "verify-full"
        if config.sslmode not in {"verify-ca", "verify-full"}:
            context.verify_mode = ssl.CERT_NONE
        return {"ssl": context}

    def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:  # noqa: FBT001 - a callback
        cursor.execute("START TRANSACTION")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        try:
            session = self.session()
            try:
                if not self._locked(session, "schema", wait=_SCHEMA_WAIT):
                    raise StoreError(
                        f"metadata store {self.name!r}: others kept the schema busy for {_SCHEMA_WAIT} s",
                        hint="look for a process that hangs while it makes or migrates it",
                    )
                yield
                self.unlock(session, "schema")
            finally:
                session.close()
        except pymysql.Error as error:
            raise self.refusal(error) from error

    def locked(self, cursor: DBAPICursor, run_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(run_ids), _CHUNK):
            part = run_ids[start : start + _CHUNK]
            asked = ", ".join(["IS_USED_LOCK(%s)"] * len(part))
            cursor.execute(f"SELECT {asked}", tuple(self._lock_name(each) for each in part))
            (holders,) = cursor.fetchall()
            found.update(each for each, holder in zip(part, holders, strict=True) if holder is not None)
        return found

    def try_lock(self, session: Connection[Any], run_id: str) -> bool:
        with session.cursor() as cursor:
            cursor.execute(f"SET SESSION wait_timeout = {_LEASE_WAIT}")
        return self._locked(session, run_id, wait=0)

    def _locked(self, session: Connection[Any], of: str, *, wait: int) -> bool:
        with session.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, %s)", (self._lock_name(of), wait))
            return bool(cursor.fetchall()[0][0])

    def unlock(self, session: Connection[Any], run_id: str) -> None:
        with session.cursor() as cursor:
            cursor.execute("SELECT RELEASE_LOCK(%s)", (self._lock_name(run_id),))
            cursor.fetchall()

    def ping(self, session: Connection[Any]) -> None:
        session.ping(reconnect=False)

    def socket_of(self, session: Connection[Any]) -> int:
        return int(session._sock.fileno())  # noqa: SLF001 - the driver has no other word for it

    def _lock_name(self, of: str) -> str:
        """Return the name of a lock: locks are of the server, in any case, and at most 64 characters long."""
        digest = hashlib.sha256(f"{self.config.dbname}:{of}".encode()).hexdigest()
        return f"dovetail.{digest[:48]}"

    def lost(self, error: BaseException) -> bool:
        return refusals.lost(error)

    def collided(self, error: BaseException) -> bool:
        return refusals.collided(error)

    def refusal(self, error: Exception) -> StoreError:
        return refusals.refusal(f"metadata store {self.name!r}", error)

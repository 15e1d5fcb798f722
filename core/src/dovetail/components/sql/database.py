"""The connection of a metadata store: short reads, write transactions, and errors as messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, PoolProxiedConnection, inspect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from dovetail.components.sql.statements import Statements
from dovetail.errors import StoreError

_open: WeakSet[Database] = WeakSet()
_inherited: list[Any] = []


class Database:
    """A pool of connections to one database.

    `begin` starts a transaction that will write (the argument says whether its commit has to survive a
    loss of power), `end` follows it when such a commit is done. `refusal` says in Dovetail's words what
    a driver's error means, `lost` whether it means that the connection is gone. `answered` is called after
    everything that was asked or written, when the database has answered.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        begin: Callable[[DBAPICursor, bool], None],
        end: Callable[[DBAPICursor], None],
        refusal: Callable[[Exception], StoreError],
        lost: Callable[[BaseException], bool],
        answered: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.statements = Statements(engine.dialect)
        self._begin = begin
        self._end = end
        self._refusal = refusal
        self._lost = lost
        self._answered = answered
        self._errors = (engine.dialect.loaded_dbapi.Error, SQLAlchemyError)
        _open.add(self)

    @contextmanager
    def reading(self) -> Iterator[DBAPICursor]:
        """Lend a cursor to read with; every statement sees only whole transactions."""
        with self._lent() as connection:
            cursor = connection.cursor()
            yield cursor
            cursor.close()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[DBAPICursor]:
        """Lend a cursor to write with: one transaction, committed at the end, undone by any exception."""
        with self._lent() as connection:
            cursor = connection.cursor()
            self._begin(cursor, durable)
            try:
                yield cursor
                connection.commit()
            except BaseException:
                with suppress(*self._errors):  # the server undoes what a lost connection had begun
                    connection.rollback()
                raise
            finally:
                if durable:
                    self._end(cursor)
            cursor.close()

    @contextmanager
    def _lent(self) -> Iterator[PoolProxiedConnection]:
        """Lend a connection of the pool; when it is lost, the others are as well."""
        try:
            connection = self.engine.raw_connection()
            try:
                yield connection
            except self._errors as error:
                if self._lost(error):
                    connection.invalidate(error)
                    self.engine.dispose()
                raise
            finally:
                connection.close()
        except self._errors as error:
            raise self._refusal(error) from error
        self._answered()

    def has_table(self, name: str) -> bool:
        """Say whether there is a table."""
        try:
            return inspect(self.engine).has_table(name)
        except self._errors as error:
            raise self._refusal(error) from error

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Lend a connection of SQLAlchemy's that is in a write transaction."""
        try:
            with self.engine.connect() as connection:
                self._begin(connection.connection.cursor(), False)
                try:
                    yield connection
                    connection.commit()
                except BaseException:
                    with suppress(*self._errors):
                        connection.connection.rollback()
                    raise
        except self._errors as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def leave_behind(self) -> None:
        """Give up connections that belong to the parent process, without closing them for it."""
        _inherited.append(self.engine.pool)
        self.engine.dispose(close=False)


def _after_fork() -> None:
    for each in list(_open):
        each.leave_behind()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

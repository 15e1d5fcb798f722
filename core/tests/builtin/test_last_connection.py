"""Tests of the connection that outlives the runs of a process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dovetail.builtin import last_connection


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    last_connection.release()
    yield
    last_connection.release()


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[], sqlite3.Connection]:
    def connected() -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        return connection

    return connected


def _write(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS one (number INTEGER)")
    connection.execute("INSERT INTO one VALUES (1)")
    connection.close()


def test_the_log_stays_while_a_connection_is_kept(
    tmp_path: Path, connect: Callable[[], sqlite3.Connection]
) -> None:
    first = connect()
    last_connection.keep(tmp_path / "some.db", connect)
    _write(first)
    assert (tmp_path / "some.db-wal").stat().st_size
    last_connection.release()
    assert not (tmp_path / "some.db-wal").exists()


def test_one_connection_is_kept_however_many_runs_there_are(
    tmp_path: Path, connect: Callable[[], sqlite3.Connection]
) -> None:
    made = []
    connect().close()
    for _ in range(3):
        last_connection.keep(tmp_path / "some.db", lambda: made.append(1) or connect())
    assert len(made) == 1


def test_a_database_that_took_the_place_of_another_gets_its_own(
    tmp_path: Path, connect: Callable[[], sqlite3.Connection]
) -> None:
    connect().close()
    last_connection.keep(tmp_path / "some.db", connect)
    (tmp_path / "some.db").rename(tmp_path / "moved.db")
    connect().close()
    made = []
    last_connection.keep(tmp_path / "some.db", lambda: made.append(1) or connect())
    assert made


def test_a_forked_child_leaves_the_log_to_its_parent(
    tmp_path: Path, connect: Callable[[], sqlite3.Connection]
) -> None:
    _write(connect())
    last_connection.keep(tmp_path / "some.db", connect)
    _write(connect())
    child = os.fork()
    if not child:
        last_connection.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "some.db-wal").stat().st_size

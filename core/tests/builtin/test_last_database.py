"""The database that outlives the runs of a process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin import last_database
from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import RunQuery
from dovetail.testing.metadata_store import done

MakeStore = Callable[..., SqliteMetadataStore]


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    last_database.release()
    yield
    last_database.release()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that this process opens with SQLite, one for each time."""
    opened: list[str] = []
    connect = sqlite3.connect

    def counted(path: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(str(path))
        return connect(path, *args, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", counted)
    return opened


def ran(store: SqliteMetadataStore) -> str:
    """Record a run in a store that is opened and closed for it; return its id."""
    with store:
        store.open()
        return done(store).id


def ids(store: SqliteMetadataStore) -> list[str]:
    with store:
        store.open()
        return [each.id for each in store.runs(RunQuery())]


def test_the_log_stays_until_the_database_is_released(make_store: MakeStore, tmp_path: Path) -> None:
    ran(make_store())
    assert (tmp_path / "metadata.db-wal").stat().st_size
    last_database.release()
    assert not (tmp_path / "metadata.db-wal").exists()


def test_who_only_reads_leaves_nothing_open(make_store: MakeStore, tmp_path: Path) -> None:
    with make_store() as store:
        store.open()
        store.runs(RunQuery())
    assert not (tmp_path / "metadata.db-wal").exists()


def test_many_runs_open_the_file_once(make_store: MakeStore, connections: list[str]) -> None:
    first = ran(make_store())
    connections.clear()
    others = [ran(make_store()) for _ in range(3)]
    assert ids(make_store()) == [*reversed(others), first]
    assert connections == []


def test_two_stores_at_once_do_not_share_it(make_store: MakeStore) -> None:
    ran(make_store())
    with make_store() as one, make_store() as other:
        one.open()
        other.open()
        assert one.database is not other.database
        ours, theirs = done(one).id, done(other).id
        assert {ours, theirs} < {each.id for each in one.runs(RunQuery())}


def test_a_database_that_took_the_place_of_another_gets_its_own(
    make_store: MakeStore, tmp_path: Path
) -> None:
    before = ran(make_store())
    for each in tmp_path.glob("metadata.db*"):
        each.rename(each.with_name(each.name.replace("metadata", "moved")))
    after = ran(make_store())
    assert ids(make_store()) == [after]
    assert ids(make_store(path=str(tmp_path / "moved.db"))) == [before]


def test_a_file_that_was_exchanged_while_it_was_open_is_not_taken_for_the_old_one(
    make_store: MakeStore, tmp_path: Path
) -> None:
    with make_store() as store:
        store.open()
        done(store)
        for each in tmp_path.glob("metadata.db*"):
            each.rename(each.with_name(each.name.replace("metadata", "moved")))
        after = ran(make_store())
    assert ids(make_store()) == [after]


def test_other_settings_are_not_served_by_it(make_store: MakeStore, connections: list[str]) -> None:
    ran(make_store())
    connections.clear()
    ran(make_store(durability="step"))
    assert connections


def test_a_forked_child_has_connections_of_its_own_and_leaves_the_log_to_its_parent(
    make_store: MakeStore, tmp_path: Path
) -> None:
    ran(make_store())
    child = os.fork()
    if not child:
        ran(make_store())
        last_database.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "metadata.db-wal").stat().st_size
    assert len(ids(make_store())) == 2

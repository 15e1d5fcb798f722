"""What a store on a server does while that is away; a file of SQLite stands for the server."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.component import ComponentConfig
from dovetail.components.metadata_store import Facts
from dovetail.components.sql import outage, persistence
from dovetail.components.sql.server import ServerMetadataStore
from dovetail.errors import StoreError
from dovetail.testing.begun_run import begun
from dovetail.testing.run_facts import completed

AWAY = "does not answer; waiting for it, up to 60 s"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.5
        self.while_asleep: Callable[[], None] | None = None

    def monotonic(self) -> float:
        return self.now + 0.0

    def sleep(self, duration: float) -> None:
        self.now += duration
        if self.while_asleep is not None:
            self.while_asleep()


class Session(sqlite3.Connection):
    """A connection to which nobody says anything by himself."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def close(self) -> None:
        self.socket.close()
        super().close()


class Server(ServerMetadataStore):
    """A store whose server can be away, and counts who knocks."""

    connection_errors = (sqlite3.Error,)
    away = False
    attempts = 0

    def make_engine(self) -> Engine:
        return create_engine("sqlite://", creator=self.session, poolclass=NullPool)

    def connect(self) -> Any:
        self.attempts += 1
        if self.away:
            raise sqlite3.OperationalError("nobody is there")
        return sqlite3.connect(self.home / "facts.db", check_same_thread=False, factory=Session)

    def exclusive(self) -> AbstractContextManager[None]:
        return nullcontext()

    def try_lock(self, session: Any, run_id: str) -> bool:
        return True

    def locked(self, cursor: DBAPICursor, run_ids: Sequence[str]) -> set[str]:
        return set()

    def unlock(self, session: Any, run_id: str) -> None:
        pass

    def ping(self, session: Any) -> None:
        pass

    def socket_of(self, session: Any) -> int:
        return int(session.socket.fileno())

    def lost(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.OperationalError)

    def collided(self, error: BaseException) -> bool:
        return False

    def tries_of(self, call: Callable[[], object]) -> int:
        """Return how often a call that is refused has tried to reach the server."""
        before = self.attempts
        with pytest.raises(StoreError, match="nobody is there"):
            call()
        return self.attempts - before


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (outage, persistence):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Server]:
    with Server("s", ComponentConfig(), home=tmp_path) as store:
        store.open()
        yield store


def test_when_the_patience_is_used_up_calls_try_once_until_one_is_answered(store: Server) -> None:
    store.away = True
    whole = store.tries_of(store.count)
    assert whole > 10
    assert [store.tries_of(each) for each in (store.count, store.pipelines, store.count)] == [1, 1, 1]
    store.away = False
    store.count()
    store.away = True
    assert store.tries_of(store.count) == whole


def test_a_call_that_asks_nothing_does_not_make_the_patience_whole(store: Server) -> None:
    run, lease = begun(store)
    store.away = True
    store.tries_of(store.count)
    store.record(Facts(), lease)
    assert store.held([]) == set()
    assert store.tries_of(lambda: store.record(completed(run, "load"), lease)) == 1
    store.away = False
    lease.release()


def test_who_joins_an_outage_waits_only_for_the_rest_of_the_patience(store: Server, clock: Clock) -> None:
    joined: list[int] = []

    def join() -> None:
        if clock.now > begin + store.patience - 1 and not joined:
            joined.append(0)
            joined[0] = store.tries_of(store.pipelines)

    begin, clock.while_asleep, store.away = clock.now, join, True
    first = store.tries_of(store.count) - joined[0]
    assert 1 < joined[0] < first / 2


def test_a_server_that_comes_back_in_time_is_waited_for(store: Server, clock: Clock) -> None:
    def come_back() -> None:
        store.away = clock.now < begin + store.patience / 2

    begin, clock.while_asleep, store.away = clock.now, come_back, True
    assert store.count()["runs"] == 0


def test_a_call_that_is_lost_each_time_ends_while_others_are_answered(store: Server, clock: Clock) -> None:
    def others() -> None:
        store.away = False
        store.pipelines()
        store.away = True

    clock.while_asleep, store.away = others, True
    store.tries_of(store.count)


def test_an_outage_is_told_once_and_so_is_its_end(
    store: Server, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store.count()
    assert caplog.messages == []
    store.away = True
    for _ in range(3):
        store.tries_of(store.count)
    assert caplog.messages == [f"metadata store 's' {AWAY}"]
    store.away = False
    for _ in range(3):
        store.count()
    assert caplog.messages == [f"metadata store 's' {AWAY}", "metadata store 's' answers again"]
    assert {each.levelname for each in caplog.records} == {"WARNING"}


def test_without_patience_the_error_alone_is_told(store: Server, caplog: pytest.LogCaptureFixture) -> None:
    store.away, store.patience = True, 0
    assert store.tries_of(store.count) == 1
    assert caplog.messages == []


def test_a_server_is_tried_without_making_anything(tmp_path: Path) -> None:
    with Server("s", ComponentConfig(), home=tmp_path) as store:
        store.try_server()
        store.away = True
        assert store.tries_of(store.try_server) == 1
    assert (tmp_path / "facts.db").stat().st_size == 0


def test_one_dropped_connection_is_not_worth_a_word(
    store: Server, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def come_back() -> None:
        store.away = False

    clock.while_asleep, store.away = come_back, True
    assert store.count()["runs"] == 0
    assert caplog.messages == []

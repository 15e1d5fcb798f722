"""Locks on runs, of both kinds."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dovetail.builtin.run_locks import FileLocks, RangeLocks, RunLocks, alone
from dovetail.errors import StoreError


@pytest.fixture(params=[RangeLocks, FileLocks])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> RunLocks:
    made: RunLocks = request.param(tmp_path / "deep" / "locks")
    return made


def test_looking_makes_nothing(locks: RunLocks, tmp_path: Path) -> None:
    assert locks.held(["a"]) == set()
    assert not locks.any_held()
    assert [*tmp_path.iterdir()] == []


def test_one_run_is_locked_and_no_other(locks: RunLocks) -> None:
    lock = locks.take("a")
    assert lock is not None
    assert locks.take("a") is None
    assert locks.held(["a", "b"]) == {"a"}
    assert locks.any_held()
    lock.release()
    assert not lock.live
    assert not locks.any_held()


def test_the_lock_of_the_schema_is_no_run(locks: RunLocks) -> None:
    with alone(locks, 1.0):
        assert not locks.any_held()
        with pytest.raises(StoreError, match="preparing"), alone(locks, 0.01):
            pass
    with alone(locks, 1.0):
        pass


def test_a_child_neither_holds_nor_frees_what_its_parent_has_locked(locks: RunLocks) -> None:
    lock = locks.take("a")
    assert lock is not None
    if not (child := os.fork()):
        live = lock.live
        lock.release()
        os._exit(int(live))
    assert os.waitpid(child, 0)[1] == 0
    assert locks.held(["a"]) == {"a"}


def test_who_looks_is_never_in_the_way_of_who_takes(locks: RunLocks) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            locks.held(["a"])

    watcher = threading.Thread(target=look)
    watcher.start()
    taken = 0
    for _ in range(200):
        if (lock := locks.take("a")) is not None:
            taken += 1
            lock.release()
    stop.set()
    watcher.join()
    assert taken == 200


def test_released_locks_leave_no_descriptor(locks: RunLocks) -> None:
    def one() -> None:
        lock = locks.take("a")
        assert lock is not None
        assert locks.take("a") is None
        lock.release()

    one()
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(50):
        one()
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for locks in (RangeLocks(tmp_path / "file" / "locks"), FileLocks(tmp_path / "file" / "locks")):
        with pytest.raises(StoreError, match="cannot use the lock file"):
            locks.take("a")

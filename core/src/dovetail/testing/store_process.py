"""Metadata stores in processes of their own: made there again, used, and killed."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.errors import DovetailError
from dovetail.names import new_id
from dovetail.records.run import RunRecord
from dovetail.references import load
from dovetail.testing.run_facts import chain, completed, ended, new_run

_PATIENCE = 100.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, so that any process can make it: implementation, settings, home."""

    implementation: str
    home: Path
    config: Mapping[str, Any] = field(default_factory=dict)

    def store(self) -> MetadataStore:
        """Return another store on the same place, not opened."""
        implementation = load(self.implementation)
        store: MetadataStore = implementation(
            "tested", implementation.config_class(**self.config), home=self.home
        )
        return store


def eventually(true: Callable[[], bool], patience: float = 60.0) -> bool:
    """Say whether something becomes true before patience ends: a server may take a moment to notice."""
    end = time.monotonic() + patience
    while not (now := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return now


def in_processes(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make each call in a new process, all at once; return what they returned, errors as text.

    A call is a function of a module, or a `functools.partial` of one.
    """
    barrier = _SPAWN.Barrier(len(calls))
    pairs = [_SPAWN.Pipe(duplex=False) for _ in calls]
    children = [
        _SPAWN.Process(target=_answer, args=(there, barrier, call))
        for call, (_, there) in zip(calls, pairs, strict=True)
    ]
    for child in children:
        child.start()
    for _, there in pairs:
        there.close()
    answers = [here.recv() if here.poll(_PATIENCE) else "no answer" for here, _ in pairs]
    for child in children:
        child.join()
    return answers


def _answer(there: Connection, barrier: Any, call: Callable[[], Any]) -> None:  # noqa: ANN401
    try:
        barrier.wait(_PATIENCE)
        there.send(call())
    except Exception as error:  # noqa: BLE001 - told to the test
        there.send(f"{type(error).__name__}: {error}")


@contextmanager
def held_elsewhere(place: Place, run_id: str, *, forked: bool = False) -> Iterator[Callable[[], None]]:
    """Let another process hold a run that it has begun; gives what kills that process.

    With `forked` it has a child by then, which lives on until this ends.
    """
    here, there = _SPAWN.Pipe()
    child = _SPAWN.Process(target=_hold, args=(there, place, run_id, forked))
    child.start()
    there.close()
    try:
        if not here.poll(_PATIENCE) or (said := here.recv()) != "held":
            raise AssertionError(f"the other process could not take the run: {said}")

        def kill() -> None:
            child.kill()
            child.join()

        yield kill
    finally:
        here.close()
        child.join(_PATIENCE)
        if child.exitcode not in {0, -signal.SIGKILL}:
            raise AssertionError(f"the other process left with {child.exitcode}")


def _hold(there: Connection, place: Place, run_id: str, forked: bool) -> None:  # noqa: FBT001 - of a process
    with place.store() as store:
        store.open()
        lease = store.acquire(run_id)
        store.begin(new_run(id=run_id, name=f"elsewhere-{run_id[-4:]}"), b"{}", lease)
        if forked and os.fork() == 0:
            there.poll(None)  # until the other end is closed
            os._exit(0)
        there.send("held")
        try:
            there.recv()
        except EOFError:
            lease.release()


@contextmanager
def recording_elsewhere(place: Place) -> Iterator[tuple[RunRecord, int, Callable[[], str]]]:
    """Let another process begin a run; gives the run, the process, and what lets it record a step.

    The answer to that is `recorded`, or the error as text.
    """
    here, there = _SPAWN.Pipe()
    child = _SPAWN.Process(target=_record_on_demand, args=(there, place))
    child.start()
    there.close()
    if not here.poll(_PATIENCE) or child.pid is None:
        raise AssertionError("the other process began no run")
    run = here.recv()

    def try_to_record() -> str:
        here.send("record")
        return str(here.recv()) if here.poll(_PATIENCE) else "no answer"

    try:
        yield run, child.pid, try_to_record
    finally:
        here.close()
        child.join(_PATIENCE)


def _record_on_demand(there: Connection, place: Place) -> None:
    with place.store() as store:
        store.open()
        run = new_run()
        lease = store.acquire(run.id)
        run = store.begin(run, b"{}", lease)
        there.send(run)
        with suppress(EOFError):
            while there.recv():
                try:
                    store.record(completed(run, "load"), lease)
                    there.send("recorded")
                except DovetailError as error:
                    there.send(f"{type(error).__name__}: {error}")
        lease.release()


def opened(place: Place) -> str:
    """Open the store, ask it something, and close it."""
    with place.store() as store:
        store.open()
        store.runs(RunQuery())
    return "opened"


def recorded(place: Place, steps: int) -> str:
    """Record a whole run, one transaction for each step; return its id."""
    plan = chain(*(f"step_{number}" for number in range(steps)))
    with place.store() as store:
        store.open()
        run = new_run(plan)
        lease = store.acquire(run.id)
        run = store.begin(run, plan.to_json(), lease)
        for step in plan.steps:
            store.record(completed(run, step.name, key=new_id()), lease)
        store.finish(ended(run), lease)
        lease.release()
    return run.id


def watched(place: Place, seconds: float) -> int:
    """Read for a while what others write; return how many steps were seen half recorded."""
    torn = 0
    with place.store() as store:
        store.open()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            torn += torn_steps(store)
    return torn


def kill_while_recording(place: Place, kills: int) -> None:
    """Let processes record steps without an end, and kill each at a moment of its own."""
    for number in range(kills):
        here, there = _SPAWN.Pipe(duplex=False)
        child = _SPAWN.Process(target=_record_for_ever, args=(there, place))
        child.start()
        there.close()
        if not here.poll(_PATIENCE):
            raise AssertionError("the other process recorded nothing")
        time.sleep(0.0037 * number)
        child.kill()
        child.join()


def _record_for_ever(there: Connection, place: Place) -> None:
    with place.store() as store:
        store.open()
        run = new_run()
        lease = store.acquire(run.id)
        run = store.begin(run, b"{}", lease)
        for number in itertools.count():
            store.record(completed(run, f"step_{number}"), lease)
            if number == 1:
                there.send("recording")


def torn_steps(store: MetadataStore) -> int:
    """Return how many of the recorded steps lack an artifact that they name."""
    torn = 0
    for run in store.runs(RunQuery(limit=50)):
        for step in store.steps(run.id):
            torn += len(store.artifacts_by_id(step.outputs.values())) != len(step.outputs)
    return torn

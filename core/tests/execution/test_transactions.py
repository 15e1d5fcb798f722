"""What a run costs its metadata store: counted in statements and transactions, never in time."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail import Client
from dovetail.builtin.sqlite import SqliteMetadataStore

MODULE = """
from dovetail import pipeline, step

@step
def first(number: int) -> int:
    return number

@step
def after(number: int, place: int) -> int:
    return number + place

@step
def fails(number: int) -> int:
    raise ValueError(number)

@pipeline
def chain(length: int = 1):
    number = first(number=0)
    for place in range(1, length):
        number = after.with_options(name=f"after_{place}")(number, place=place)

@pipeline
def beside(length: int = 1):
    for place in range(length):
        first.with_options(name=f"first_{place}")(number=place)

@pipeline
def retried(tries: int = 1):
    fails.with_options(retry=tries)(number=0)
"""
FEW, MANY = 5, 25


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with pipelines of any length."""
    (tmp_path / "counted_steps.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(importlib.import_module("sys").modules, "counted_steps", raising=False)
    return importlib.import_module("counted_steps")


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that this process lets SQLite execute."""
    seen: list[str] = []
    connect = SqliteMetadataStore._connect_as

    def traced(self: SqliteMetadataStore, access: str) -> sqlite3.Connection:
        connection = connect(self, access)
        connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(SqliteMetadataStore, "_connect_as", traced)
    return seen


def writes(trace: list[str]) -> int:
    """Return how many transactions that write were begun."""
    return sum(each.startswith("BEGIN IMMEDIATE") for each in trace)


def growth(trace: list[str], run: Callable[[int], Any], count: Callable[[list[str]], int]) -> float:
    """Return what one more step costs: the difference of a long and a short run, by the steps between."""
    costs = []
    for length in (FEW, MANY):
        del trace[:]
        run(length)
        costs.append(count(trace))
    return (costs[1] - costs[0]) / (MANY - FEW)


def test_a_step_in_a_process_costs_one_transaction_of_the_two_it_may(made: Any, trace: list[str]) -> None:
    def run(length: int) -> None:
        made.chain(length).run(enable_cache=False, quiet=True)

    assert 0.5 < growth(trace, run, writes) <= 1


def test_steps_that_start_together_share_a_transaction(made: Any, trace: list[str]) -> None:
    def run(length: int) -> None:
        made.beside(length).run(enable_cache=False, quiet=True, max_workers=length)

    assert growth(trace, run, writes) <= 1


def test_a_step_in_this_process_is_recorded_with_the_start_of_the_next(made: Any, trace: list[str]) -> None:
    def run(length: int) -> None:
        made.chain(length).run(enable_cache=False, quiet=True, in_process=True)

    assert growth(trace, run, writes) <= 1


@pytest.mark.parametrize("in_process", [True, False])
def test_cached_steps_are_recorded_in_groups_and_looked_up_in_two_statements(
    made: Any, trace: list[str], *, in_process: bool
) -> None:
    def run(length: int) -> None:
        done = made.chain(length).run(quiet=True, in_process=in_process)
        assert {str(each.status) for each in done.steps.values()} <= {"completed", "cached"}

    run(MANY)
    assert growth(trace, run, writes) <= 0.1
    assert growth(trace, run, lambda seen: sum(each.startswith("SELECT") for each in seen)) <= 2
    assert growth(trace, run, len) <= 5


def test_a_run_costs_three_transactions_besides_its_steps(made: Any, trace: list[str]) -> None:
    made.chain(1).run(quiet=True)
    del trace[:]
    made.chain(1).run(quiet=True)
    assert writes(trace) <= 4  # lease, begin, the cached step, finish
    assert sum("synchronous=FULL" in each for each in trace) == 1


def test_a_retry_costs_no_more_than_a_step(made: Any, trace: list[str]) -> None:
    def run(tries: int) -> None:
        made.retried(tries).run(quiet=True, check=False)

    assert growth(trace, run, writes) <= 1


def test_a_look_at_runs_writes_nothing(made: Any, trace: list[str]) -> None:
    made.chain(FEW).run(quiet=True)
    del trace[:]
    with Client() as client:
        (found,) = client.runs()
        assert len(found.outputs) == FEW
        assert found.metrics is not None
    assert writes(trace) == 0
    assert sum(each.startswith("SELECT") for each in trace) <= 10

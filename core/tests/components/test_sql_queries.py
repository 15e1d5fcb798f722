"""How the questions to a store are answered: by an index, whatever is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import ArtifactQuery, RunQuery
from dovetail.components.sql.schema import TABLES
from dovetail.components.sql.statements import Statement, page_of_runs
from dovetail.records.run import Status
from dovetail.testing.metadata_store import begun, done
from dovetail.testing.run_facts import completed, metric


class Explained(SqliteMetadataStore):
    """Keeps the plan of every statement that it executes."""

    plans: list[str]

    def explain(self) -> None:
        self.plans = []
        run = self.database.statements.run

        def explained(cursor: DBAPICursor, values: Any, build: Any, *choice: Any) -> DBAPICursor:
            statement: Statement = self.database.statements(build, *choice)
            cursor.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.bound(values))
            self.plans += [row[-1] for row in cursor.fetchall()]
            return run(cursor, values, build, *choice)

        self.database.statements.run = explained  # type: ignore[method-assign]

    def scans(self) -> list[str]:
        """Return where a whole table or index is read; pages of runs walk along the key, newest first."""
        return [
            plan
            for plan in self.plans
            if plan.startswith("SCAN") and plan not in {"SCAN runs", "SCAN readers"}
        ]

    def sorts(self) -> list[str]:
        """Return where rows are sorted."""
        return [plan for plan in self.plans if "TEMP B-TREE" in plan]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Explained]:
    with Explained("s", SqliteMetadataStoreConfig(), home=tmp_path) as store:
        store.open()
        run, lease = begun(store)
        store.record(completed(run, "load", key="key"), lease)
        done(store)
        store.explain()
        yield store


FILTERS = {"pipeline": "training", "status": Status.FAILED, "name": "x", "before": 9}


@pytest.mark.parametrize("chosen", list(product([False, True], repeat=len(FILTERS))))
def test_a_page_of_runs_is_read_along_an_index(store: Explained, chosen: tuple[bool, ...]) -> None:
    query = {name: value for (name, value), use in zip(FILTERS.items(), chosen, strict=True) if use}
    store.runs(RunQuery(**query))
    assert store.scans() + store.sorts() == []
    assert ("SCAN runs" in store.plans) is not any(chosen)


def test_the_first_page_walks_along_the_key_up_to_its_limit(store: Explained) -> None:
    store.runs(RunQuery())
    assert store.plans == ["SCAN runs"]
    statement = store.database.statements(page_of_runs, ())
    assert re.search(r"ORDER BY runs.sequence DESC\s+LIMIT", statement.text)
    assert list(TABLES.tables["runs"].primary_key.columns.keys()) == ["sequence"]


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PENDING, Status.INTERRUPTED])
def test_unfinished_runs_are_found_by_an_index(store: Explained, status: Status) -> None:
    store.runs(RunQuery(status=status))
    assert store.scans() + store.sorts() + [each for each in store.plans if "SCAN" in each] == []


def test_the_beginning_of_a_name_or_an_id_is_found_by_an_index(store: Explained) -> None:
    store.runs(RunQuery(prefix="x"))
    assert [each.partition(" (")[0] for each in store.plans if "SEARCH" in each] == [
        "SEARCH runs USING INDEX runs_id",
        "SEARCH runs USING INDEX runs_name",
    ]


def test_questions_about_one_thing_use_an_index(store: Explained) -> None:
    (run, *_) = store.runs(RunQuery(pipeline="training"))
    store.run(run.id)
    store.cached("key")
    store.plan("x")
    for step in (None, "load"):
        store.attempts(run.id, step)
        store.metrics(run.id, step)
    store.steps(run.id)
    store.artifacts_by_id(["a", "b", "c"])
    assert store.scans() + [each for each in store.plans if "SCAN" in each] == []


def test_lineage_uses_an_index(store: Explained) -> None:
    store.consumers("a")
    assert store.scans() == []
    assert [each for each in store.plans if "SEARCH" in each and "INDEX step_runs_step" in each] != []


@pytest.mark.parametrize(
    "query", [{"run_id": "a"}, {"pipeline": "a", "step": "b"}, {"type": "a"}, {"prefix": "a"}]
)
def test_a_page_of_artifacts_is_read_along_an_index(store: Explained, query: dict[str, str]) -> None:
    store.artifacts(ArtifactQuery(**query))
    store.artifacts(ArtifactQuery(before="x", **query))
    assert [each for each in store.plans if not each.startswith("SEARCH artifacts USING INDEX")] == []


def test_writing_uses_an_index(store: Explained) -> None:
    run, lease = begun(store)
    facts = completed(run, "load", key="key")
    facts.metrics.append(metric(run, "load", "loss", 1.0))
    store.record(facts, lease)
    store.record(facts, lease)
    store.delete_run(run.id, lease)
    assert [each for each in store.plans if "SCAN" in each] == []

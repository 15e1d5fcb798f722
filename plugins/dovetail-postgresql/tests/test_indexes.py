"""Every question that may meet many rows is answered through an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import ArtifactQuery, MetadataStore, RunQuery
from dovetail.testing.begun_run import begun
from dovetail.testing.run_facts import completed
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig
from dovetail_postgresql.store import PostgresqlMetadataStore

pytestmark = pytest.mark.real

QUESTIONS: list[Callable[[MetadataStore], object]] = [
    lambda store: store.runs(RunQuery()),
    lambda store: store.runs(RunQuery(pipeline="training", before=5)),
    lambda store: store.runs(RunQuery(name="a", prefix="b")),
    lambda store: store.run("x"),
    lambda store: store.cached("key"),
    lambda store: store.plan("x"),
    lambda store: store.steps("x"),
    lambda store: store.attempts("x", "load"),
    lambda store: store.metrics("x"),
    lambda store: store.artifacts(ArtifactQuery(before="x")),
    lambda store: store.artifacts(ArtifactQuery(run_id="x")),
    lambda store: store.artifacts(ArtifactQuery(pipeline="training")),
    lambda store: store.artifacts(ArtifactQuery(type="builtins.int")),
    lambda store: store.artifacts_by_id(["x", "y", "z"]),
    lambda store: store.consumers("x"),
    lambda store: store.unreferenced(before="x"),
]


class Explaining:
    """A cursor that looks how each statement would be answered before it is."""

    def __init__(self, cursor: Any, plans: list[str]) -> None:
        self._cursor = cursor
        self._plans = plans

    def execute(self, statement: str, values: Any = None) -> None:
        self._cursor.execute(f"EXPLAIN {statement}", values)
        self._plans.append("\n".join(row[0] for row in self._cursor.fetchall()))
        self._cursor.execute(statement, values)

    def fetchall(self) -> list[Any]:
        return list(self._cursor.fetchall())


def test_every_question_uses_an_index(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = PostgresqlMetadataStoreConfig(**settings)
    plans: list[str] = []
    with PostgresqlMetadataStore("facts", config, home=tmp_path) as store:
        store.open()
        run, lease = begun(store)
        store.record(completed(run, "load", key="key"), lease)
        reading = store.database.reading

        @contextmanager
        def explaining() -> Iterator[Any]:
            with reading() as cursor:
                cursor.execute("SET enable_seqscan = off")  # small tables are read whole otherwise
                cursor.execute("SET enable_sort = off")
                yield Explaining(cursor, plans)

        monkeypatch.setattr(store.database, "reading", explaining)
        for question in QUESTIONS:
            question(store)
        lease.release()
    assert len(plans) >= len(QUESTIONS)
    assert [each for each in plans if "Seq Scan" in each] == []

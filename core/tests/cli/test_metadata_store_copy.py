from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.sql import copying
from dovetail.errors import ConflictError
from dovetail.records.run import Status
from dovetail.testing.begun_run import begun, done
from dovetail.testing.run_facts import completed, ended, failed, metric

Call = Callable[..., Any]


def sqlite(path: Path) -> SqliteMetadataStore:
    return SqliteMetadataStore("of the test", SqliteMetadataStoreConfig(path=str(path)), home=path.parent)


def fill(store: SqliteMetadataStore) -> None:
    """Record runs of every kind, one of them deleted, one interrupted, one with text of all sorts."""
    done(store)
    gone, lease = begun(store)
    store.delete_run(gone.id, lease)
    lease.release()
    run, lease = begun(store)
    source = completed(run, "load", key="key", error="Ünï\x00 \U0001f600")
    source.metrics += [metric(run, "load", "loss", each) for each in (0.1, float("nan"), -1e300)]
    store.record(source, lease)
    store.record(completed(run, "train", reads=source.artifacts[0]), lease)
    store.record(failed(run, "check"), lease)
    store.finish(ended(run, Status.FAILED), lease)
    lease.release()
    begun(store)[1].release()


@pytest.fixture
def pair(dovetail: Call, tmp_path: Path) -> Iterator[tuple[SqliteMetadataStore, SqliteMetadataStore]]:
    """Two registered stores, `full` and `fresh`, open."""
    for name in ("full", "fresh", "third"):
        line = f"metadata-store register {name} --flavor sqlite --path"
        assert dovetail(line, str(tmp_path / name)).code == 0
    with sqlite(tmp_path / "full") as full, sqlite(tmp_path / "fresh") as fresh:
        full.open()
        fresh.open()
        fill(full)
        yield full, fresh


def test_a_copy_and_the_copy_of_the_copy_have_the_same_digest(
    dovetail: Call, pair: tuple[SqliteMetadataStore, SqliteMetadataStore]
) -> None:
    first = dovetail("metadata-store copy full fresh --json").json
    second = dovetail("metadata-store copy fresh third --json").json
    back = dovetail("metadata-store copy third full --json").json
    assert (first["copied"], second["copied"], back["already_there"]) == (True, True, True)
    assert first["digest"] == second["digest"] == back["digest"]
    full, fresh = pair
    (run,) = [each for each in full.runs(copying.RunQuery()) if full.steps(each.id)]
    artifact = full.steps(run.id)[0].outputs["output"]
    assert fresh.runs(copying.RunQuery()) == full.runs(copying.RunQuery())
    assert fresh.consumers(artifact) == full.consumers(artifact) != []
    assert fresh.cached("key") == full.cached("key")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    dovetail: Call, pair: tuple[SqliteMetadataStore, SqliteMetadataStore]
) -> None:
    answer = dovetail("metadata-store copy full fresh --dry-run")
    assert "would copy from 'full' to 'fresh': 1 plans, 3 runs, 3 step runs" in answer.out
    assert set(pair[1].count().values()) == {0}


def test_a_live_run_is_refused(dovetail: Call, pair: tuple[SqliteMetadataStore, SqliteMetadataStore]) -> None:
    run, lease = begun(pair[0])
    answer = dovetail("metadata-store copy full fresh")
    lease.release()
    assert answer.code != 0
    assert f"run '{run.name}' goes on in metadata store 'full'" in answer.err
    assert set(pair[1].count().values()) == {0}


def test_a_target_that_holds_something_else_is_refused(
    dovetail: Call, pair: tuple[SqliteMetadataStore, SqliteMetadataStore]
) -> None:
    run = done(pair[1])
    answer = dovetail("metadata-store copy full fresh")
    assert "'fresh' is not empty" in answer.err
    assert [each.id for each in pair[1].runs(copying.RunQuery())] == [run.id]


def test_what_is_written_to_the_source_meanwhile_undoes_the_copy(
    pair: tuple[SqliteMetadataStore, SqliteMetadataStore],
) -> None:
    full, fresh = pair
    late: list[object] = []

    def told(what: str, count: int) -> None:
        if what.startswith("writing plans") and not late:
            late.append(done(full))

    with pytest.raises(ConflictError, match="written to while"):
        copying.copy(full, fresh, told)
    assert late
    assert set(fresh.count().values()) == {0}


def test_what_comes_after_a_copy_is_counted_on(
    dovetail: Call, pair: tuple[SqliteMetadataStore, SqliteMetadataStore]
) -> None:
    full, fresh = pair
    dovetail("metadata-store copy full fresh")
    last = full.runs(copying.RunQuery())[0]
    assert done(fresh).id == fresh.runs(copying.RunQuery())[0].id
    assert fresh.runs(copying.RunQuery())[0].sequence > last.sequence


def test_migrate_says_the_version_and_does_nothing_to_one_that_is_up_to_date(
    dovetail: Call, pair: object, tmp_path: Path
) -> None:
    assert "is made with version 1" in dovetail("metadata-store migrate third").out
    assert "is up to date: version 1" in dovetail("metadata-store migrate third").out
    assert dovetail("metadata-store migrate full --json").json == {"name": "full", "before": 1, "version": 1}
    with closing(sqlite3.connect(tmp_path / "full")) as connection:
        connection.execute("PRAGMA user_version=9")
    answer = dovetail("metadata-store migrate full")
    assert "has version 9" in answer.err


def test_a_store_that_is_not_registered_is_told(dovetail: Call) -> None:
    assert "there is no metadata store 'nix'" in dovetail("metadata-store copy nix sqlite").err

"""What a store on a database does besides its contract: threads, forks, transactions, portable statements."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.schema import CreateIndex, CreateTable

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import Facts, Lease, RunQuery
from dovetail.components.sql.schema import TABLES
from dovetail.components.sql.statements import Statements, alter, pick, pick_any, put_in
from dovetail.errors import LeaseError, StoreError
from dovetail.records.run import Status, StepRunRecord
from dovetail.testing.metadata_store import begun, done
from dovetail.testing.run_facts import completed, ended, new_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    with SqliteMetadataStore("s", SqliteMetadataStoreConfig(), home=tmp_path) as store:
        store.open()
        yield store


@pytest.fixture
def commits(store: SqliteMetadataStore) -> list[str]:
    """Every transaction that writes, as it begins."""
    seen: list[str] = []
    start = store.database._begin

    def begin(cursor: DBAPICursor, durable: bool) -> None:
        seen.append("durable" if durable else "quick")
        start(cursor, durable)

    store.database._begin = begin
    return seen


def test_each_call_that_records_is_one_transaction(store: SqliteMetadataStore, commits: list[str]) -> None:
    run, lease = begun(store)
    assert commits == ["quick", "quick"]
    store.record(Facts([*completed(run, "a").steps, *completed(run, "b").steps]), lease)
    store.record(Facts(), lease)
    store.finish(run, lease)
    assert commits[2:] == ["quick", "durable"]


def test_threads_share_a_store(store: SqliteMetadataStore) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                run = done(store)
                assert store.run(run.id) == run
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to tell
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert len(store.runs(RunQuery(limit=100))) == 80


def _work_in_child(store: SqliteMetadataStore) -> None:
    assert store.database.engine.pool.checkedin() == 0  # type: ignore[attr-defined] # the parent's are not here
    done(store, name="child")
    store.close()


def test_a_forked_process_uses_connections_of_its_own(store: SqliteMetadataStore) -> None:
    run, lease = begun(store, name="parent")
    child = multiprocessing.get_context("fork").Process(target=_work_in_child, args=(store,))
    child.start()
    child.join()
    store.record(completed(run, "load"), lease)
    assert child.exitcode == 0
    assert [each.name for each in store.runs(RunQuery())] == ["child", "parent"]
    with store.database.reading() as cursor:
        assert cursor.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_run_that_ends_while_it_is_looked_for_is_not_interrupted(
    store: SqliteMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lease = begun(store)

    def held(run_ids: Sequence[str]) -> set[str]:
        store.finish(ended(run), lease)
        lease.release()
        return set()

    monkeypatch.setattr(store, "held", held)
    assert [each.status for each in store.runs(RunQuery())] == [Status.COMPLETED]


def test_a_run_that_is_resumed_while_it_is_looked_for_is_running(
    store: SqliteMetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lease = begun(store)
    lease.release()
    resumed: list[Lease] = []

    def held(run_ids: Sequence[str]) -> set[str]:
        if resumed:
            return {run.id}
        resumed.append(store.acquire(run.id))
        store.begin(run, b"", resumed[0])
        return set()

    monkeypatch.setattr(store, "held", held)
    assert [each.status for each in store.runs(RunQuery())] == [Status.RUNNING]


def test_text_that_some_databases_refuse_is_escaped(store: SqliteMetadataStore) -> None:
    run, lease = begun(store)
    store.finish(ended(run).model_copy(update={"error": "a\0b\udc80é"}), lease)
    found = store.run(run.id)
    assert found is not None
    assert found.error == r"a\x00b\udc80é"


def test_an_interrupt_inside_a_transaction_undoes_it(store: SqliteMetadataStore) -> None:
    run, lease = begun(store)

    class Interrupting(list):
        def __bool__(self) -> bool:
            raise KeyboardInterrupt  # asked when steps, attempts and artifacts are written

    facts = completed(run, "load")
    facts.metrics = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        store.record(facts, lease)
    assert store.steps(run.id) == []
    store.record(completed(run, "load"), lease)


def test_a_run_that_was_never_begun_takes_no_facts(store: SqliteMetadataStore) -> None:
    run = new_run()
    lease = store.acquire(run.id)
    with pytest.raises(LeaseError, match="never begun"):
        store.record(completed(run, "load"), lease)


def test_who_owns_a_run_is_said(store: SqliteMetadataStore) -> None:
    lease = store.acquire("r" * 26)
    with pytest.raises(LeaseError, match=r"owned by process \d+ on "):
        store.acquire(lease.run_id)


def test_the_links_of_a_step_are_those_of_its_last_record(store: SqliteMetadataStore) -> None:
    run, lease = begun(store)
    first = StepRunRecord(run_id=run.id, step="a", status=Status.FAILED, inputs={"x": "one", "y": "two"})
    second = first.model_copy(update={"inputs": {"x": "one", "y": "three"}})
    for each in (first, second):
        store.record(Facts([each]), lease)
    assert [len(store.consumers(each)) for each in ("one", "two", "three")] == [1, 0, 1]


def test_a_row_that_somebody_spoiled_is_one_message(store: SqliteMetadataStore) -> None:
    run = done(store)
    with store.database.writing() as cursor:
        cursor.execute("UPDATE runs SET stack = '{'")
    with pytest.raises(StoreError, match=f"holds of run '{run.id}' cannot be read"):
        store.run(run.id)


def test_many_steps_are_recorded_and_asked_for_in_pieces(store: SqliteMetadataStore) -> None:
    run, lease = begun(store)
    facts = [completed(run, f"step_{number}") for number in range(450)]
    whole = Facts(
        [f.steps[0] for f in facts], [f.attempts[0] for f in facts], [f.artifacts[0] for f in facts]
    )
    store.record(whole, lease)
    store.record(whole, lease)
    assert store.steps(run.id) == whole.steps
    assert len(store.artifacts_by_id(each.id for each in whole.artifacts)) == 450


@pytest.mark.parametrize(
    "dialect", [postgresql.dialect(paramstyle="pyformat"), mysql.dialect(paramstyle="format")]
)
def test_tables_and_statements_are_written_for_servers_too(dialect: Dialect) -> None:
    statements = Statements(dialect)
    for name, table in TABLES.tables.items():
        columns, key = tuple(table.c.keys()), (table.c.keys()[0],)
        for build in (
            (put_in, name, columns),
            (alter, name, columns, key),
            (pick_any, name, columns, (), key[0], 2),
        ):
            assert statements(*build).text
        ddl = [str(CreateTable(table).compile(dialect=dialect))]
        ddl += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
        assert "ROWID" not in "".join(ddl)
    assert "%(at_id)s" in statements(pick, "runs", ("id",), ("id",)).text or dialect.name == "mysql"


@pytest.mark.parametrize("table", TABLES.sorted_tables, ids=lambda table: table.name)
def test_every_index_fits_what_mariadb_can_index(table: Table) -> None:
    sets = [index.columns for index in table.indexes] + [table.primary_key.columns]
    for columns in sets:
        sizes = [4 * column.type.length if hasattr(column.type, "length") else 8 for column in columns]
        assert sum(sizes) <= 3072

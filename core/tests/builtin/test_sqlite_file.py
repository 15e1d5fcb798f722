"""The file of a SQLite store: where it lies, what is refused, what can only be read, what is flushed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.builtin import last_connection
from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import RunQuery
from dovetail.components.sql.database import Database
from dovetail.errors import LeaseError, StoreError
from dovetail.names import new_id
from dovetail.testing.metadata_store import OldLease, begun, done
from dovetail.testing.run_facts import completed

MakeStore = Callable[..., SqliteMetadataStore]

NOBODY = 65534
NEWER = "PRAGMA user_version=2"


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file but the memory that processes share."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.endswith("-shm")}


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def in_child(work: Callable[[], str]) -> str:
    """Call `work` in a forked process that may not write what root may; return what it returned."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.write(writing, work().encode())
        except BaseException as error:  # noqa: BLE001 - told to the test
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, and nobody but us may write."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def test_folders_above_the_file_are_made(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(path=str(tmp_path / "not" / "yet" / "there.db"))
    store.open()
    assert store.path.is_file()


def test_the_file_lies_in_the_home_or_where_the_path_says(make_store: MakeStore, tmp_path: Path) -> None:
    assert make_store().path == tmp_path / "metadata.db"
    assert make_store(path="a/b.db").path == Path.cwd() / "a" / "b.db"
    assert make_store(path="/srv/b.db").path == Path("/srv/b.db")


def test_two_ways_to_one_file_share_its_leases(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    direct, linked = make_store(), make_store(path=str(tmp_path / "link" / "metadata.db"))
    direct.open()
    linked.open()
    lease = direct.acquire(new_id())
    assert linked.held([lease.run_id]) == {lease.run_id}
    with pytest.raises(LeaseError):
        linked.acquire(lease.run_id)


def test_a_newer_store_is_refused_without_changing_a_byte(make_store: MakeStore, tmp_path: Path) -> None:
    with make_store() as store:
        store.open()
        done(store)
    execute(tmp_path / "metadata.db", NEWER)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match="version 2, this program knows versions up to 1") as caught:
        make_store().open()
    assert "pip install -U dovetail" in str(caught.value)
    assert contents(tmp_path) == before


def test_a_newer_store_whose_process_died_is_refused_without_changing_a_byte(
    make_store: MakeStore, tmp_path: Path
) -> None:
    dying = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        f"c.execute('PRAGMA synchronous=FULL'); c.execute('{NEWER}'); os._exit(0)"
    )
    with make_store() as store:
        store.open()
    subprocess.run([sys.executable, "-c", dying, str(tmp_path / "metadata.db")], check=True)
    before = contents(tmp_path)
    assert before["metadata.db-wal"]
    with pytest.raises(StoreError, match="version 2"):
        make_store().open()
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no database " * 100, "no SQLite database"),
        (("CREATE TABLE mine (x)",), "a database of another program"),
        (("CREATE TABLE mine (x)", "PRAGMA user_version=1"), "a database of another program"),
        (("PRAGMA application_id=7",), "a database of another program"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(
    make_store: MakeStore, tmp_path: Path, content: bytes | tuple[str, ...], message: str
) -> None:
    path = tmp_path / "metadata.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        for statement in content:
            execute(path, statement)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=message):
        make_store().open()
    assert contents(tmp_path) == {**before, "metadata.db.lock": b""} or contents(tmp_path) == before


def test_an_empty_file_becomes_a_store(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "metadata.db").touch()
    store = make_store()
    store.open()
    assert store.runs(RunQuery()) == []


@pytest.mark.parametrize(("of_folder", "of_file"), [(0o755, 0o644), (0o777, 0o644), (0o755, 0o666)])
def test_a_read_only_store_is_read_and_not_written(
    make_store: MakeStore, folder: Path, of_folder: int, of_file: int
) -> None:
    store = make_store(home=folder)
    store.open()
    run = done(store)
    begun(store)[1].release()
    store.close()
    store.path.chmod(of_file)
    folder.chmod(of_folder)

    def look() -> str:
        store.open()
        said = [str(each.status) for each in store.runs(RunQuery())]
        for write in (
            lambda: store.acquire(run.id),
            lambda: store.record(completed(run, "x"), OldLease(run.id, 1)),
        ):
            try:
                write()
            except StoreError as error:
                said.append(error.message.rpartition(" is ")[2])
        return ", ".join(said)

    assert in_child(look) == "interrupted, completed, read-only here, read-only here"


def test_a_store_in_use_is_read_by_who_may_not_write_it(make_store: MakeStore, folder: Path) -> None:
    store = make_store(home=folder)
    store.open()
    done(store)
    other = make_store(home=folder)

    def look() -> str:
        other.open()
        return str(other.runs(RunQuery())[0].status)

    assert in_child(look) == "completed"


def test_a_place_that_cannot_be_made_is_one_message(make_store: MakeStore, folder: Path) -> None:
    store = make_store(home=folder / "below")
    assert "cannot make the folder" in in_child(lambda: store.open() or "opened")


def test_a_damaged_file_is_one_message(make_store: MakeStore, tmp_path: Path) -> None:
    with make_store() as store:
        store.open()
        for _ in range(20):
            done(store)
    last_connection.release()
    with (tmp_path / "metadata.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(120_000))
    store = make_store()
    with pytest.raises(StoreError, match="damaged"):
        _ = store.open() or store.runs(RunQuery())


def test_a_full_disk_is_one_message_and_earlier_facts_stay(make_store: MakeStore) -> None:
    store = make_store()
    store.open()
    run = done(store)
    with store.database.reading() as cursor:
        cursor.execute("PRAGMA max_page_count=1")
    with pytest.raises(StoreError, match="no space left"):
        done(store, source_root="x" * 10_000_000)
    assert store.run(run.id) is not None


@pytest.mark.parametrize(("durability", "expected"), [("run", [1, 2, 1]), ("step", [2, 2, 2])])
def test_what_is_flushed_is_what_durability_says(
    make_store: MakeStore, durability: str, expected: list[int]
) -> None:
    seen: list[int] = []

    class Watched(SqliteMetadataStore):
        def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:
            super().start_writing(cursor, durable)
            seen.append(cursor.execute("PRAGMA synchronous").fetchone()[0])

    store = make_store(Watched, durability=durability)
    store.open()
    run, lease = begun(store)
    del seen[:]
    store.begin(run, b"", lease)
    store.finish(run, lease)
    store.begin(run, b"", lease)
    assert seen == expected


def test_a_closed_store_says_so(make_store: MakeStore) -> None:
    store = make_store()
    with pytest.raises(StoreError, match="is not open"):
        store.runs(RunQuery())


def test_a_schema_that_is_made_while_somebody_looks_is_not_taken_for_another_program_s(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_it() -> None:
        monkeypatch.undo()
        with make_store() as other:
            other.open()

    class Meanwhile:
        """A cursor; after its first answer somebody else makes the schema."""

        def __init__(self, cursor: Any) -> None:
            self.execute, self._fetch, self._answers = cursor.execute, cursor.fetchall, 0

        def fetchall(self) -> list[Any]:
            rows: list[Any] = self._fetch()
            self._answers += 1
            if self._answers == 1:
                make_it()
            return rows

    @contextmanager
    def reading(database: Database) -> Iterator[Any]:
        with plain(database) as cursor:
            yield Meanwhile(cursor)

    plain = Database.reading
    with make_store() as store:
        monkeypatch.setattr(Database, "reading", reading)
        store.open()
        assert store.pipelines() == []

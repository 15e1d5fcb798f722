"""Making and migrating the schema of a SQLite store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import RunQuery
from dovetail.components.sql import SCHEMA, Schema
from dovetail.components.sql.schema import TABLES
from dovetail.components.sql.upgrade import upgrade
from dovetail.errors import StoreError
from dovetail.testing.metadata_store import begun, done
from dovetail.testing.store_process import Place, in_processes, opened

MakeStore = Callable[..., SqliteMetadataStore]
NextRelease = Callable[..., type[SqliteMetadataStore]]

SECOND = '''"""The second schema."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("mood", sa.String(20)))
'''
BROKEN = SECOND + '    op.drop_column("nowhere", "mood")\n'


class Upgraded(SqliteMetadataStore):
    """Makes even a fresh schema by migrations."""

    def _create(self) -> None:
        self.before_creation()
        with self.database.migrating() as connection:
            upgrade(connection, self.schema)
            self._stamp(connection)


@pytest.fixture
def next_release(tmp_path: Path) -> NextRelease:
    """Make the store of the release after this one, by the text of its migration."""

    def make(text: str = SECOND) -> type[SqliteMetadataStore]:
        folder = tmp_path / "migrations"
        (folder / "versions").mkdir(parents=True)
        for name in ("env.py", "versions/v0001_first.py"):
            (folder / name).write_text((SCHEMA.migrations / name).read_text())
        (folder / "versions" / "v0002_second.py").write_text(text)
        tables = sa.MetaData()
        for table in TABLES.sorted_tables:
            table.to_metadata(tables)
        tables.tables["runs"].append_column(sa.Column("mood", sa.String(20)))

        class Next(SqliteMetadataStore):
            schema = Schema(2, tables, folder)

        return Next

    return make


def statements(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(name, " ".join(sql.split())) for name, sql in found}


def pragmas(path: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(path)) as connection:
        names = ("user_version", "application_id", "journal_mode")
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return *(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names), *revision


def test_the_fast_path_and_the_migrations_make_the_same_schema(make_store: MakeStore, tmp_path: Path) -> None:
    made, migrated = make_store(home=tmp_path / "a"), make_store(Upgraded, home=tmp_path / "b")
    made.open()
    migrated.open()
    assert statements(made.path) == statements(migrated.path)
    assert pragmas(made.path) == pragmas(migrated.path) == (1, 0x446F7665, "wal", ("0001",))


def test_the_tables_are_those_that_the_migrations_make(make_store: MakeStore) -> None:
    store = make_store(Upgraded)
    store.open()
    with store.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), TABLES) == []


def test_alembic_is_imported_for_neither_a_fresh_nor_a_current_store(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
for _ in range(2):
    with SqliteMetadataStore("s", SqliteMetadataStoreConfig(), home=Path({str(tmp_path)!r})) as store:
        store.open()
print("alembic" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_an_older_store_is_migrated_after_a_backup(
    make_store: MakeStore, tmp_path: Path, next_release: NextRelease
) -> None:
    with make_store() as store:
        store.open()
        run = done(store)
    with make_store(next_release()) as store:
        store.open()
        assert store.run(run.id) == run
        assert dict(statements(store.path))["runs"].endswith("mood VARCHAR(20))")
        assert pragmas(store.path)[0] == 2
    (backup,) = tmp_path.glob("metadata.db.v1.*.backup")
    with make_store(path=str(backup)) as store:
        store.open()
        assert store.run(run.id) == run


def test_a_failed_migration_leaves_the_old_store(
    make_store: MakeStore, tmp_path: Path, next_release: NextRelease
) -> None:
    with make_store() as store:
        store.open()
        run = done(store)
    before = statements(tmp_path / "metadata.db")
    with pytest.raises(StoreError, match="nowhere"):
        make_store(next_release(BROKEN)).open()
    assert statements(tmp_path / "metadata.db") == before
    with make_store() as store:
        store.open()
        assert store.run(run.id) == run
    assert [*tmp_path.glob(".*.partial")] == []


def test_no_store_is_migrated_under_a_live_run(make_store: MakeStore, next_release: NextRelease) -> None:
    store = make_store()
    store.open()
    _, lease = begun(store)
    later = next_release()
    with pytest.raises(StoreError, match="runs go on"):
        make_store(later).open()
    lease.release()
    make_store(later).open()


def test_a_store_that_only_a_command_migrates_says_which(
    make_store: MakeStore, next_release: NextRelease
) -> None:
    with make_store() as store:
        store.open()
    later = next_release()
    later.migrates = False
    with pytest.raises(StoreError, match="has version 1, this program needs 2"):
        make_store(later).open()


def test_many_processes_open_a_fresh_store_at_once(tmp_path: Path) -> None:
    count = 32 if os.environ.get("DOVETAIL_TEST_SIZES") == "full" else 12
    place = Place("dovetail.builtin.sqlite:SqliteMetadataStore", tmp_path)
    assert in_processes([partial(opened, place)] * count) == ["opened"] * count


def test_a_crash_while_the_schema_is_made_leaves_an_empty_store(
    make_store: MakeStore, tmp_path: Path
) -> None:
    class Dying(SqliteMetadataStore):
        def stamp(self, cursor: DBAPICursor, version: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_store(Dying).open()
    store = make_store()
    store.open()
    assert store.runs(RunQuery()) == []

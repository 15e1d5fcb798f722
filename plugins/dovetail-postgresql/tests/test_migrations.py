"""A schema on a server is migrated by command only, with no run going on, and again after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dovetail.plugin import RunQuery, StoreError
from dovetail.testing.begun_run import begun, done
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig
from dovetail_postgresql.store import PostgresqlMetadataStore

pytestmark = pytest.mark.real

SECOND = '''"""The second schema; where a change is committed by itself, what is there already stays."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if "mood" not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns("runs")}:
        op.add_column("runs", sa.Column("mood", sa.String(20)))
'''
BROKEN = SECOND + '    op.drop_column("nowhere", "mood")\n'

Make = Callable[..., PostgresqlMetadataStore]


@pytest.fixture
def now(tmp_path: Path, settings: dict[str, Any]) -> PostgresqlMetadataStore:
    config = PostgresqlMetadataStoreConfig(**settings)
    return PostgresqlMetadataStore("facts", config, home=tmp_path)


@pytest.fixture
def later(tmp_path: Path, settings: dict[str, Any]) -> Make:
    """Make the store of the release after this one, by the text of its migration."""
    schema = PostgresqlMetadataStore.schema

    def make(text: str = SECOND) -> PostgresqlMetadataStore:
        folder = tmp_path / "migrations"
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        for name in ("env.py", "versions/v0001_first.py"):
            (folder / name).write_text((schema.migrations / name).read_text())
        (folder / "versions" / "v0002_second.py").write_text(text)
        tables = sa.MetaData()
        for table in schema.tables.sorted_tables:
            table.to_metadata(tables)
        tables.tables["runs"].append_column(sa.Column("mood", sa.String(20)))

        class Later(PostgresqlMetadataStore):
            pass

        Later.schema = replace(schema, version=2, tables=tables, migrations=folder)
        return Later("facts", PostgresqlMetadataStoreConfig(**settings), home=tmp_path)

    return make


def test_an_older_schema_is_refused_with_the_command_and_migrated_by_it(
    now: PostgresqlMetadataStore, later: Make
) -> None:
    with now:
        now.open()
        run = done(now)
    with later() as store, pytest.raises(StoreError) as caught:
        store.open()
    assert "dovetail metadata-store migrate facts" in str(caught.value.hint)
    with later() as store:
        assert store.migrate() == 1
    with later() as store:
        assert store.migrate() == 2
        assert [each.id for each in store.runs(RunQuery())] == [run.id]
    with now, pytest.raises(StoreError, match="has version 2"):
        now.open()


def test_a_migration_that_was_interrupted_leaves_the_old_schema_and_can_be_given_again(
    now: PostgresqlMetadataStore, later: Make
) -> None:
    with now:
        now.open()
        run = done(now)
    with later(BROKEN) as store, pytest.raises(StoreError):
        store.migrate()
    with now:
        now.open()
        assert [each.id for each in now.runs(RunQuery())] == [run.id]
    with later() as store:
        assert store.migrate() == 1
        assert store.schema_version() == 2


def test_nothing_is_migrated_while_a_run_goes_on(now: PostgresqlMetadataStore, later: Make) -> None:
    with now:
        now.open()
        run, lease = begun(now)
        with later() as store, pytest.raises(StoreError, match=run.id):
            store.migrate()
        assert now.schema_version() == 1
        lease.release()
        with later() as store:
            assert store.migrate() == 1

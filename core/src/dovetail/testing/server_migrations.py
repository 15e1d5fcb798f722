"""A schema on a server: migrated by command only, with no run going on, and again after an interruption.

::

    class TestMigrations(ServerMigrations):
        @pytest.fixture
        def place(self, ...):
            return Place("my_wheel.store:MyMetadataStore", tmp_path, {"host": ...})
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from dovetail.components.metadata_store import RunQuery
from dovetail.components.sql.server import ServerMetadataStore
from dovetail.errors import StoreError
from dovetail.references import load
from dovetail.testing.begun_run import begun, done
from dovetail.testing.not_given import not_given
from dovetail.testing.store_process import Place

_SECOND = '''"""The second schema; where a change is committed by itself, what is there already stays."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if "mood" not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns("runs")}:
        op.add_column("runs", sa.Column("mood", sa.String(20)))
'''
_BROKEN = _SECOND + '    op.drop_column("nowhere", "mood")\n'

_LATEST = 2

Make = Callable[..., ServerMetadataStore]


class ServerMigrations:
    """The store of today, and that of the next release, on one database. Give `place`."""

    @pytest.fixture
    def place(self) -> Place:
        """Return an empty place."""
        raise not_given("place")

    @pytest.fixture
    def now(self, place: Place) -> ServerMetadataStore:
        """Give the store of today, not opened."""
        return cast("ServerMetadataStore", place.store())

    @pytest.fixture
    def later(self, place: Place, tmp_path: Path) -> Make:
        """Make the store of the release after this one, by the text of its migration."""
        today: type[ServerMetadataStore] = load(place.implementation)

        def make(text: str = _SECOND) -> ServerMetadataStore:
            folder = tmp_path / "migrations"
            (folder / "versions").mkdir(parents=True, exist_ok=True)
            for name in ("env.py", "versions/v0001_first.py"):
                (folder / name).write_text((today.schema.migrations / name).read_text())
            (folder / "versions" / "v0002_second.py").write_text(text)
            tables = sa.MetaData()
            for table in today.schema.tables.sorted_tables:
                table.to_metadata(tables)
            tables.tables["runs"].append_column(sa.Column("mood", sa.String(20)))
            schema = replace(today.schema, version=2, tables=tables, migrations=folder)
            tomorrow = type("Later", (today,), {"schema": schema})
            store: ServerMetadataStore = tomorrow(
                "tested", today.config_class(**place.config), home=place.home
            )
            return store

        return make

    def test_an_older_schema_is_refused_with_the_command_and_migrated_by_it(
        self, now: ServerMetadataStore, later: Make
    ) -> None:
        with now:
            now.open()
            run = done(now)
        with later() as store, pytest.raises(StoreError) as caught:
            store.open()
        assert "dovetail metadata-store migrate tested" in str(caught.value.hint)
        with later() as store:
            assert store.migrate() == 1
        with later() as store:
            assert store.migrate() == _LATEST
            assert [each.id for each in store.runs(RunQuery())] == [run.id]
        with now, pytest.raises(StoreError, match="has version 2"):
            now.open()

    def test_a_migration_that_was_interrupted_leaves_the_old_schema_and_can_be_given_again(
        self, now: ServerMetadataStore, later: Make
    ) -> None:
        with now:
            now.open()
            run = done(now)
        with later(_BROKEN) as store, pytest.raises(StoreError):
            store.migrate()
        with now:
            now.open()
            assert [each.id for each in now.runs(RunQuery())] == [run.id]
        with later() as store:
            assert store.migrate() == 1
            assert store.schema_version() == _LATEST

    def test_nothing_is_migrated_while_a_run_goes_on(self, now: ServerMetadataStore, later: Make) -> None:
        with now:
            now.open()
            run, lease = begun(now)
            with later() as store, pytest.raises(StoreError, match=run.id):
                store.migrate()
            assert now.schema_version() == 1
            lease.release()
            with later() as store:
                assert store.migrate() == 1

"""The store keeps the contract on a real server, also while that restarts; its schema can be migrated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.server_database import ServerContract
from dovetail.testing.server_migrations import ServerMigrations
from dovetail.testing.server_outage import ServerOutage
from dovetail.testing.store_process import Place

pytestmark = pytest.mark.real


class OnPostgresql:
    @pytest.fixture
    def place(self, tmp_path: Path, settings: dict[str, Any]) -> Place:
        return Place("dovetail_postgresql.store:PostgresqlMetadataStore", tmp_path, settings)


class TestPostgresql(OnPostgresql, MetadataStoreContract):
    pass


class TestPostgresqlServer(OnPostgresql, ServerContract):
    pass


class TestPostgresqlOutage(ServerOutage):
    @pytest.fixture
    def place(self, tmp_path: Path, settings: dict[str, Any]) -> Place:
        return Place(
            "dovetail_postgresql.store:PostgresqlMetadataStore", tmp_path, {**settings, "patience": 1.0}
        )


class TestPostgresqlMigrations(OnPostgresql, ServerMigrations):
    pass

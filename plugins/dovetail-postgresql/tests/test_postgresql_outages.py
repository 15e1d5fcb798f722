"""The store keeps what the contract says of servers that restart and connections that drop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.server_database import ServerContract
from dovetail.testing.store_process import Place

pytestmark = pytest.mark.real


class TestPostgresqlOutages(ServerContract):
    @pytest.fixture
    def place(self, tmp_path: Path, settings: dict[str, Any]) -> Place:
        return Place("dovetail_postgresql.store:PostgresqlMetadataStore", tmp_path, settings)

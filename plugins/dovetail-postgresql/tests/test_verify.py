"""`dovetail integration verify` on a registered store: in a schema of its own, if it is let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing import verdict
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig
from dovetail_postgresql.store import PostgresqlMetadataStore
from real_servers.postgresql import PostgresqlServer

pytestmark = pytest.mark.real


def test_a_registered_store_keeps_the_contract_and_leaves_no_schema(
    server: PostgresqlServer, database: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    numbers = {2, 3, 6, 10, 12, 13, 18, 26}
    found = verdict.of_settings("metadata_store", "facts", "postgresql", settings, tmp_path, numbers)
    assert [each for each in found if each.result != "passed"] == []
    assert {each.number for each in found} == numbers
    left = server.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'verify%'", database)
    assert left == []


def test_a_store_that_is_tried_gets_no_tables(
    server: PostgresqlServer, database: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    PostgresqlMetadataStore("pg", PostgresqlMetadataStoreConfig(**settings), home=tmp_path).try_server()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database) == []

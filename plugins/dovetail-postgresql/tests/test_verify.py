"""`dovetail integration verify` on a registered store: in a schema of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.discovery.index import load_index
from dovetail.records.stack import ComponentRecord
from dovetail.testing import verdict
from real_servers.postgresql import PostgresqlServer

pytestmark = pytest.mark.real


def test_a_registered_store_keeps_the_contract_and_leaves_no_schema(
    server: PostgresqlServer, database: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    flavor, _ = load_index().resolve("metadata_store", "postgresql")
    record = ComponentRecord(type="metadata_store", name="facts", flavor=flavor, config=settings)
    numbers = {2, 3, 6, 10, 12, 13, 18, 26}
    found = verdict.of_component(record, tmp_path, numbers)
    assert {each.number: each.result for each in found} == dict.fromkeys(numbers, "passed")
    left = server.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'verify%'", database)
    assert left == []

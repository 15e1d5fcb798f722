"""`dovetail integration verify` on a registered store: in a schema of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing import verdict
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

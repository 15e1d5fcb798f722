"""A pipeline from the command line on (local, local, postgresql)."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.testing.server_runs import ServerRuns

pytestmark = pytest.mark.real


class TestRuns(ServerRuns):
    flavor = "postgresql"

    def written(self, server: Any, database: str) -> int:
        """Return how many transactions have written: each has taken a number."""
        said = server.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint", database)
        return int(said[0][0])

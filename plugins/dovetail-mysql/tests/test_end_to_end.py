"""A pipeline from the command line on (local, local, mysql)."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.testing.server_runs import ServerRuns

pytestmark = pytest.mark.real


class TestRuns(ServerRuns):
    flavor = "mysql"

    def written(self, server: Any, database: str) -> int:
        """Return how many transactions have been committed: single statements that read are none."""
        return int(server.execute("SHOW GLOBAL STATUS LIKE 'Com_commit'", database)[0][1])

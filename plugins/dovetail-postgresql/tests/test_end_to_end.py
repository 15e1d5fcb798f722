"""A pipeline from the command line on (local, local, postgresql)."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine, assert_message
from dovetail.testing.server_runs import ServerRuns

pytestmark = pytest.mark.real


class TestRuns(ServerRuns):
    flavor = "postgresql"

    def written(self, server: Any, database: str) -> int:
        """Return how many transactions have written: each has taken a number."""
        said = server.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint", database)
        return int(said[0][0])

    def test_a_role_that_is_not_there_is_told_before_any_behaviour(
        self, cli: CommandLine, settings: dict[str, Any]
    ) -> None:
        answer = self.verified(cli, {**settings, "user": "nobody"})
        assert_message(answer, 8, "there is no such role", "createuser")

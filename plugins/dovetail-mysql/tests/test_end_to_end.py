"""A pipeline from the command line on (local, local, mysql)."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine, assert_message
from dovetail.testing.server_runs import ServerRuns

pytestmark = pytest.mark.real


class TestRuns(ServerRuns):
    flavor = "mysql"

    def written(self, server: Any, database: str) -> int:
        """Return how many transactions have been committed: single statements that read are none."""
        return int(server.execute("SHOW GLOBAL STATUS LIKE 'Com_commit'", database)[0][1])

    def test_a_wrong_password_is_told_before_any_behaviour(
        self, cli: CommandLine, settings: dict[str, Any], server: Any
    ) -> None:
        server.execute("CREATE USER vera@'127.0.0.1' IDENTIFIED BY 'right-horse'")
        try:
            env = {"DOVETAIL_METADATA_STORE_TRIED_PASSWORD": "wrong-horse"}
            answer = self.verified(cli, {**settings, "user": "vera"}, env)
        finally:
            server.execute("DROP USER vera@'127.0.0.1'")
        assert_message(answer, 8, "wrong user or password", "check `user` and `password`")
        assert "horse" not in answer.err

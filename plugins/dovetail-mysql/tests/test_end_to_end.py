"""A pipeline from the command line on (local, local, mysql)."""

from __future__ import annotations

from subprocess import Popen
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine
from dovetail.testing.server_runs import ServerRuns

pytestmark = pytest.mark.real


class TestRuns(ServerRuns):
    flavor = "mysql"

    def written(self, server: Any, database: str) -> int:
        """Return how many transactions have been committed: single statements that read are none."""
        return int(server.execute("SHOW GLOBAL STATUS LIKE 'Com_commit'", database)[0][1])

    def test_a_person_is_told_that_the_server_is_waited_for(
        self, cli: CommandLine, waiting: Popen[str], server: Any
    ) -> None:
        assert waiting.stderr is not None
        server.stop()
        try:
            (cli.directory / "wait").unlink()
            said = any(
                "metadata store 'there' does not answer; waiting for it" in line for line in waiting.stderr
            )
        finally:
            server.start()
        assert said
        _, err = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, err
        assert "metadata store 'there' answers again" in err

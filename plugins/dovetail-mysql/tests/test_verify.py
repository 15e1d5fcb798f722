"""`dovetail integration verify` on a registered store that its server does not let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message
from real_servers.loopback import free_port

pytestmark = pytest.mark.real


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """Give a command line in an empty project."""
    made = CommandLine(tmp_path / "project", tmp_path / "home")
    made.directory.mkdir()
    return made


def verified(cli: CommandLine, settings: dict[str, Any], env: dict[str, str] | None = None) -> Answer:
    options = [f"--{key}={value}" for key, value in settings.items()]
    answer = cli("metadata-store", "register", "facts", "--flavor", "mysql", *options)
    assert answer.code == 0, answer.err
    return cli("integration", "verify", "mysql", "--component", "facts", "--json", env=env)


@pytest.mark.parametrize(("changes", "said", "hint"), [
    ({"dbname": "nowhere"}, "there is no such database", "CREATE DATABASE"),
    ({"port": 0}, "the server cannot be reached", "check `host` and `port`"),
])  # fmt: skip
def test_a_store_that_cannot_be_entered_is_one_error_and_no_behaviours(
    cli: CommandLine, settings: dict[str, Any], changes: dict[str, Any], said: str, hint: str
) -> None:
    if "port" in changes:
        changes = {"port": free_port()}
    answer = verified(cli, {**settings, **changes})
    assert_message(answer, 8, said, hint)


def test_a_wrong_password_is_one_error_and_no_behaviours(
    cli: CommandLine, settings: dict[str, Any], server: Any
) -> None:
    server.execute("CREATE USER vera@'127.0.0.1' IDENTIFIED BY 'right-horse'")
    try:
        env = {"DOVETAIL_METADATA_STORE_FACTS_PASSWORD": "wrong-horse"}
        answer = verified(cli, {**settings, "user": "vera"}, env)
    finally:
        server.execute("DROP USER vera@'127.0.0.1'")
    assert_message(answer, 8, "wrong user or password", "check `user` and `password`")
    assert "horse" not in answer.err

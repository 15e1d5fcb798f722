"""`dovetail integration verify` on a registered store: in a schema of its own, if it is let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing import verdict
from dovetail.testing.command_line import Answer, CommandLine, assert_message
from dovetail_postgresql.settings import PostgresqlMetadataStoreConfig
from dovetail_postgresql.store import PostgresqlMetadataStore
from real_servers.loopback import free_port
from real_servers.postgresql import PostgresqlServer

pytestmark = pytest.mark.real


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """Give a command line in an empty project."""
    made = CommandLine(tmp_path / "project", tmp_path / "home")
    made.directory.mkdir()
    return made


def verified(cli: CommandLine, settings: dict[str, Any], env: dict[str, str] | None = None) -> Answer:
    options = [f"--{key}={value}" for key, value in settings.items()]
    answer = cli("metadata-store", "register", "facts", "--flavor", "postgresql", *options)
    assert answer.code == 0, answer.err
    return cli("integration", "verify", "postgresql", "--component", "facts", "--json", env=env)


def test_a_registered_store_keeps_the_contract_and_leaves_no_schema(
    server: PostgresqlServer, database: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    numbers = {2, 3, 6, 10, 12, 13, 18, 26}
    found = verdict.of_settings("metadata_store", "facts", "postgresql", settings, tmp_path, numbers)
    assert [each for each in found if each.result != "passed"] == []
    assert {each.number for each in found} == numbers
    left = server.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'verify%'", database)
    assert left == []


@pytest.mark.parametrize(("changes", "said", "hint"), [
    ({"dbname": "nowhere"}, "there is no such database", "createdb"),
    ({"user": "nobody"}, "there is no such role", "createuser"),
    ({"port": 0}, "the server cannot be reached", "check `host` and `port`"),
])  # fmt: skip
def test_a_store_that_cannot_be_entered_is_one_error_and_no_behaviours(
    cli: CommandLine, settings: dict[str, Any], changes: dict[str, Any], said: str, hint: str
) -> None:
    if "port" in changes:
        changes = {"port": free_port()}
    answer = verified(cli, {**settings, **changes})
    assert_message(answer, 8, said, hint)


def test_a_store_that_is_tried_gets_no_tables(
    server: PostgresqlServer, database: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    PostgresqlMetadataStore("pg", PostgresqlMetadataStoreConfig(**settings), home=tmp_path).try_server()
    assert server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database) == []

"""A PostgreSQL server of the test session, and a database in it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_servers.postgresql import PostgresqlServer, postgresql_server


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_server() as running:
        yield running


@pytest.fixture
def database(server: PostgresqlServer) -> str:
    return server.new_database()


@pytest.fixture
def settings(server: PostgresqlServer, database: str) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": server.port, "dbname": database, "user": "postgres"}

"""A MariaDB server of the test session, and a database in it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from real_servers.mariadb import MariadbServer, mariadb_server


@pytest.fixture(scope="session")
def server() -> Iterator[MariadbServer]:
    with mariadb_server() as running:
        yield running


@pytest.fixture
def database(server: MariadbServer) -> str:
    return server.new_database()


@pytest.fixture
def settings(server: MariadbServer, database: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "dbname": database, "user": "root"}

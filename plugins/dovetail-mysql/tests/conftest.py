"""A MariaDB server of the test session, and a database in it for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest

INSTALL = "MariaDB is not installed; on Debian: apt-get install mariadb-server"


def program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/bin"]))
    if found is None:
        if os.environ.get("DOVETAIL_REQUIRE_REAL"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return found


@dataclass
class Server:
    """A MariaDB server on a loopback port."""

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    made: int = field(default=0)

    def initialise(self) -> None:
        command = [program("mariadb-install-db"), "--no-defaults", f"--datadir={self.directory / 'data'}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", *self._user()]
        subprocess.run(command, check=True, capture_output=True)

    def _user(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def start(self) -> None:
        at = self.directory
        command = [program("mariadbd"), "--no-defaults", *self._user(), f"--datadir={at / 'data'}"]
        command += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={at / 's.sock'}"]
        command += [f"--pid-file={at / 'pid'}", "--skip-name-resolve", "--innodb-buffer-pool-size=32M"]
        command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]
        command += ["--innodb-doublewrite=0", *self.options]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
                return
            except pymysql.Error:
                if time.monotonic() > end or self.process.poll() is not None:
                    pytest.fail((self.directory / "log").read_text())
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def execute(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        place: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": "root"}
        connection = pymysql.connect(**place, database=database, autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def drop_connections(self) -> None:
        found = self.execute("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()")
        for (number,) in found:
            with suppress(pymysql.err.OperationalError):  # gone by itself
                self.execute(f"KILL CONNECTION {number}")

    def new_database(self) -> str:
        self.made += 1
        name = f"test_{self.made}"
        self.execute(f"CREATE DATABASE {name}")
        return name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    program("mariadbd")
    with tempfile.TemporaryDirectory(prefix="dovetail-my-", ignore_cleanup_errors=True) as directory:
        made = Server(Path(directory), free_port())
        made.initialise()
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def database(server: Server) -> str:
    return server.new_database()


@pytest.fixture
def settings(server: Server, database: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "dbname": database, "user": "root"}

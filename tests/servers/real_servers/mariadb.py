"""MariaDB of Debian, or any other on the path."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from real_servers.loopback import free_port, started, stop
from real_servers.presence import program

_INSTALL = "apt-get install mariadb-server"
_QUICK = ("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0")


@dataclass
class MariadbServer:
    """A server in a directory with a short name, for its socket; root needs no password."""

    directory: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    made: int = field(default=0)

    def initialise(self) -> None:
        """Make the data directory."""
        command = [program("mariadb-install-db", _INSTALL), "--no-defaults", *_user()]
        command += [f"--datadir={self.directory / 'data'}", "--skip-test-db", self._scratch()]
        command += ["--auth-root-authentication-method=normal"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db: {done.stdout}{done.stderr}")

    def _scratch(self) -> str:
        """Say where temporary tables go: a server that starts removes those of others in a common place."""
        (place := self.directory / "tmp").mkdir(exist_ok=True)
        return f"--tmpdir={place}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        at = self.directory
        command = [program("mariadbd", _INSTALL), "--no-defaults", *_user(), f"--datadir={at / 'data'}"]
        command += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={at / 's.sock'}"]
        command += [f"--pid-file={at / 'pid'}", "--skip-name-resolve", "--innodb-buffer-pool-size=32M"]
        command += [self._scratch()]
        self.process = started([*command, *_QUICK, *self.options], at / "log", self.answers)

    def answers(self) -> bool:
        """Say whether it does."""
        try:
            self.execute("SELECT 1")
        except pymysql.Error:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, if it runs."""
        if self.process is not None:
            stop(self.process, how)
            self.process = None

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def execute(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Execute a statement by itself and return its rows."""
        place: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": "root"}
        connection = pymysql.connect(**place, database=database, autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def drop_connections(self) -> None:
        """End everybody's connections."""
        found = self.execute("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()")
        for (number,) in found:
            with suppress(pymysql.err.OperationalError):  # gone by itself
                self.execute(f"KILL CONNECTION {number}")

    def new_database(self) -> str:
        """Make a database and return its name."""
        self.made += 1
        name = f"test_{self.made}"
        self.execute(f"CREATE DATABASE {name}")
        return name


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def mariadb_server() -> Iterator[MariadbServer]:
    """Run a server."""
    program("mariadbd", _INSTALL)
    with tempfile.TemporaryDirectory(prefix="dovetail-my-", ignore_cleanup_errors=True) as directory:
        server = MariadbServer(Path(directory), free_port())
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()

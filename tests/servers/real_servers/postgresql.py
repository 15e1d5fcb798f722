"""PostgreSQL of Debian, or any other on the path."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from real_servers.loopback import free_port, started, stop
from real_servers.presence import program

_QUICK = ("full_page_writes=off", "synchronous_commit=off", "max_connections=150")


@dataclass
class PostgresqlServer:
    """A server in a directory that its user can reach; everybody on this machine is trusted.

    `prefix` stands before its command, for a server that runs in a network namespace.
    """

    directory: Path
    port: int
    address: str = "127.0.0.1"
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    made: int = field(default=0)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.directory / "data"

    def initialise(self) -> None:
        """Make the data directory."""
        self.directory.chmod(0o755)
        self.data.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for each in (self.directory, self.data):
                os.chown(each, owner.pw_uid, owner.pw_gid)
        command = [postgresql_program("initdb"), "-D", str(self.data), "-A", "trust", "-U", "postgres"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(as_postgres(*command), check=True, capture_output=True, cwd="/")

    def start(self, *, reachable: bool = True) -> None:
        """Start it and, where this process can reach it, wait until it answers."""
        data = str(self.data)
        command = [postgresql_program("postgres"), "-D", data, "-h", self.address, "-p", str(self.port)]
        command += ["-k", data, "-F"]
        command += [part for each in (*_QUICK, *self.options) for part in ("-c", each)]
        ready = self.answers if reachable else lambda: True
        self.process = started([*self.prefix, *as_postgres(*command)], self.directory / "log", ready)

    def answers(self) -> bool:
        """Say whether it does."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, if it runs."""
        if self.process is not None:
            stop(self.process, how)
            self.process = None

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@{self.address}:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Execute a statement by itself and return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def drop_connections(self) -> None:
        """End everybody's connections."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def new_database(self) -> str:
        """Make a database and return its name."""
        self.made += 1
        name = f"test_{self.made}"
        self.execute(f"CREATE DATABASE {name}")
        return name


def postgresql_program(name: str) -> str:
    """Return the path of a program of PostgreSQL; Debian keeps those of the server off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return program(name, "apt-get install postgresql", folders)


def as_postgres(*command: str) -> list[str]:
    """Return the command as the user `postgres` would give it: the server refuses root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Run a server."""
    postgresql_program("postgres")
    # Not below pytest's directories, which the user of the server cannot enter.
    with tempfile.TemporaryDirectory(prefix="dovetail-pg-", ignore_cleanup_errors=True) as directory:
        server = PostgresqlServer(Path(directory), free_port())
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()

"""A PostgreSQL server of the test session, and a database in it for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

INSTALL = "PostgreSQL is not installed; on Debian: apt-get install postgresql"


def missing(why: str) -> None:
    if os.environ.get("DOVETAIL_REQUIRE_REAL"):
        pytest.fail(why)
    pytest.skip(why)


def program(name: str) -> str:
    folders = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True), os.environ["PATH"]]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        missing(INSTALL)
    return str(found)


def as_postgres(*command: str) -> list[str]:
    """Return the command as the user `postgres` would give it: the server refuses root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@dataclass
class Server:
    """A PostgreSQL server on a loopback port, in a directory that its user can reach."""

    directory: Path
    port: int
    address: str = "127.0.0.1"
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    made: int = field(default=0)

    def initialise(self) -> None:
        self.directory.chmod(0o755)
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for each in (self.directory, data):
                os.chown(each, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            as_postgres(
                program("initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync",
            ),
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip

    def start(self, *, reachable: bool = True) -> None:
        """Start it and, where this process can reach it, wait until it answers."""
        data = str(self.directory / "data")
        command = [
            program("postgres"),
            "-D",
            data,
            "-h",
            self.address,
            "-p",
            str(self.port),
            "-k",
            data,
            "-F",
        ]
        settings = ("full_page_writes=off", "synchronous_commit=off", "max_connections=150", *self.options)
        command += [part for each in settings for part in ("-c", each)]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *as_postgres(*command)], stdout=log, stderr=log, cwd="/"
            )
        end = time.monotonic() + 60
        while reachable:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    pytest.fail((self.directory / "log").read_text())
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@{self.address}:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def drop_connections(self) -> None:
        self.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

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
    program("postgres")
    with tempfile.TemporaryDirectory(prefix="dovetail-pg-", ignore_cleanup_errors=True) as directory:
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
def settings(server: Server, database: str) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": server.port, "dbname": database, "user": "postgres"}

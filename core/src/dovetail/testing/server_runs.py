"""A pipeline from the command line on a stack whose metadata store is a server's database.

::

    class TestRuns(ServerRuns):
        flavor = "my_flavor"

        def written(self, server, database):
            return server.execute(...)

Beside the class are fixtures: `server`, a `DatabaseServer`; `database`, the name of an empty one;
`settings`, those of a metadata store on it.
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any, ClassVar

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message
from dovetail.testing.not_given import not_given
from dovetail.testing.server_database import DatabaseServer

_PATIENCE = 60.0
_STEPS = 20
_BESIDE_STEPS = 4
"""Transactions of a run that belong to none of its steps: it begins, it ends."""

_SCRIPT = """
import pathlib
import time
from dovetail import pipeline, step


def witness(name: str) -> None:
    with open("witness", "a") as file:
        file.write(name + "\\n")


@step
def first() -> str:
    witness("first")
    return "Größe \U0001f600"


@step
def second(text: str) -> int:
    witness("second")
    pathlib.Path("started").touch()
    while pathlib.Path("wait").exists():
        time.sleep(0.01)
    return len(text)


@step
def third(count: int) -> int:
    witness("third")
    return count * 10


@pipeline
def small():
    third(second(first()))
"""


class ServerRuns:
    """Runs on such a store: cached, killed, through a restart of the server, and copied to and fro."""

    flavor: ClassVar[str]

    def written(self, server: Any, database: str) -> int:  # noqa: ANN401 - of the author's class
        """Return how many transactions have written to the database so far."""
        raise not_given("written")

    @pytest.fixture
    def cli(self, tmp_path: Path, settings: Mapping[str, Any]) -> CommandLine:
        """Give a command line with a stack on the server, and a pipeline."""
        cli = CommandLine(tmp_path / "project", tmp_path / "home")
        cli.directory.mkdir()
        cli.write("small.py", _SCRIPT)
        for command in (
            ["metadata-store", "register", "there", "--flavor", self.flavor, *_flags(settings)],
            ["stack", "register", "shared", "-o", "local", "-a", "local", "-m", "there"],
            ["stack", "set", "shared"],
        ):
            answer = cli(*command)
            assert answer.code == 0, answer.err
        return cli

    def verified(
        self, cli: CommandLine, settings: Mapping[str, Any], env: Mapping[str, str] | None = None
    ) -> Answer:
        """Register a store with these settings, and verify it."""
        answer = cli("metadata-store", "register", "tried", "--flavor", self.flavor, *_flags(settings))
        assert answer.code == 0, answer.err
        return cli("integration", "verify", self.flavor, "--component", "tried", "--json", env=env)

    @pytest.fixture
    def waiting(self, cli: CommandLine) -> Iterator[Popen[str]]:
        """Give a run whose second step waits until the file `wait` is gone."""
        (cli.directory / "wait").touch()
        running = cli.spawn("run", "small.py")
        end = time.monotonic() + _PATIENCE
        while not (cli.directory / "started").exists():
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield running
        running.kill()
        running.communicate()

    def test_a_pipeline_runs_and_its_second_run_is_cached(self, cli: CommandLine) -> None:
        assert cli("run", "small.py").code == 0
        again = cli("run", "small.py", "--json")
        assert again.code == 0, again.err
        assert _witnesses(cli) == ["first", "second", "third"]
        assert len(cli("run", "list", "--json").json()) == 2  # noqa: PLR2004 - the two

    def test_a_run_that_was_killed_is_interrupted_and_resumes(
        self, cli: CommandLine, waiting: Popen[str]
    ) -> None:
        assert _only_run(cli)["status"] == "running"
        os.kill(waiting.pid, signal.SIGKILL)
        waiting.wait()
        assert _only_run(cli)["status"] == "interrupted"
        (cli.directory / "wait").unlink()
        answer = cli("run", "resume", _only_run(cli)["id"])
        assert answer.code == 0, answer.err
        assert _only_run(cli)["status"] == "completed"
        assert _witnesses(cli) == ["first", "second", "second", "third"]

    def test_a_restart_of_the_server_in_the_middle_of_a_run_is_waited_for(
        self, cli: CommandLine, waiting: Popen[str], server: DatabaseServer
    ) -> None:
        server.restart()
        (cli.directory / "wait").unlink()
        out, err = waiting.communicate(timeout=_PATIENCE)
        assert waiting.returncode == 0, out + err
        assert _only_run(cli)["status"] == "completed"
        assert _witnesses(cli) == ["first", "second", "third"]

    def test_a_person_is_told_that_the_server_is_waited_for(
        self, cli: CommandLine, waiting: Popen[str], server: DatabaseServer
    ) -> None:
        assert waiting.stderr is not None
        server.stop()
        try:
            (cli.directory / "wait").unlink()
            said = any("'there' does not answer; waiting for it" in line for line in waiting.stderr)
        finally:
            server.start()
        assert said
        _, err = waiting.communicate(timeout=_PATIENCE)
        assert waiting.returncode == 0, err
        assert "metadata store 'there' answers again" in err

    def test_verify_tries_the_server_before_any_behaviour(
        self, cli: CommandLine, settings: Mapping[str, Any], server: DatabaseServer
    ) -> None:
        assert_message(self.verified(cli, {**settings, "dbname": "nowhere"}), 8, "no such database")
        server.stop()
        try:
            answer = cli("integration", "verify", self.flavor, "--component", "there", "--json")
        finally:
            server.start()
        assert_message(answer, 8, "the server cannot be reached")

    def test_a_step_costs_at_most_two_write_transactions(
        self, cli: CommandLine, server: DatabaseServer, database: str
    ) -> None:
        cli.write("many.py", _chain(_STEPS))
        assert cli("run", "list").code == 0  # makes the schema
        before = self.written(server, database)
        answer = cli("run", "many.py")
        assert answer.code == 0, answer.err
        used = self.written(server, database) - before
        assert _STEPS <= used <= 2 * _STEPS + _BESIDE_STEPS, used

    def test_facts_go_from_sqlite_to_the_server_and_back(self, cli: CommandLine, tmp_path: Path) -> None:
        assert cli("stack", "register", "files", "-o", "local", "-a", "local", "-m", "sqlite").code == 0
        for _ in range(2):
            assert cli("run", "small.py", "--stack", "files").code == 0
        place = str(tmp_path / "back.db")
        assert cli("metadata-store", "register", "back", "--flavor", "sqlite", "--path", place).code == 0
        digests = [
            cli("metadata-store", "copy", *names, "--json").json()["digest"]
            for names in (("sqlite", "there"), ("there", "back"), ("back", "sqlite"))
        ]
        assert len(set(digests)) == 1
        listed = [cli("run", "list", "--stack", each, "--json").out for each in ("files", "shared")]
        assert len(set(listed)) == 1
        assert cli("run", "small.py").code == 0  # cached, and counted on from where the copy ended
        assert len(cli("run", "list", "--json").json()) == 3  # noqa: PLR2004 - two copied, one made


def _flags(settings: Mapping[str, Any]) -> list[str]:
    return [f"--{key}={value}" for key, value in settings.items()]


def _witnesses(cli: CommandLine) -> list[str]:
    return (cli.directory / "witness").read_text().split()


def _only_run(cli: CommandLine) -> dict[str, Any]:
    (run,) = cli("run", "list", "--json").json()
    return dict(run)


def _chain(count: int) -> str:
    """Return a pipeline of so many steps, one after the other."""
    steps = [f"@step\ndef step_{n}(value: int) -> int:\n    return value + 1\n" for n in range(count)]
    calls = "\n".join(f"    value = step_{n}(value)" for n in range(count))
    heading = "from dovetail import pipeline, step\n\n"
    return heading + "\n".join(steps) + f"\n@pipeline\ndef many():\n    value = 0\n{calls}\n"

"""A pipeline from the command line on (local, local, mysql)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

pytestmark = pytest.mark.real

SCRIPT = """
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


@pytest.fixture
def cli(tmp_path: Path, settings: dict[str, Any]) -> CommandLine:
    cli = CommandLine(tmp_path / "project", tmp_path / "home")
    (tmp_path / "project").mkdir()
    cli.write("small.py", SCRIPT)
    options = [f"--{key}={value}" for key, value in settings.items()]
    for command in (
        ["metadata-store", "register", "my", "--flavor", "mysql", *options],
        ["stack", "register", "shared", "-o", "local", "-a", "local", "-m", "my"],
        ["stack", "set", "shared"],
    ):
        answer = cli(*command)
        assert answer.code == 0, answer.err
    return cli


def witnesses(cli: CommandLine) -> list[str]:
    return (cli.directory / "witness").read_text().split()


def only_run(cli: CommandLine) -> dict[str, Any]:
    (run,) = cli("run", "list", "--json").json()
    return dict(run)


@pytest.fixture
def waiting(cli: CommandLine) -> Iterator[Any]:
    """A run whose second step waits until the file `wait` is gone."""
    (cli.directory / "wait").touch()
    running = cli.spawn("run", "small.py")
    end = time.monotonic() + 60
    while not (cli.directory / "started").exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    yield running
    running.kill()
    running.communicate()


def test_a_pipeline_runs_and_its_second_run_is_cached(cli: CommandLine) -> None:
    assert cli("run", "small.py").code == 0
    again = cli("run", "small.py", "--json")
    assert again.code == 0, again.err
    assert witnesses(cli) == ["first", "second", "third"]
    assert len(cli("run", "list", "--json").json()) == 2


def test_a_run_that_was_killed_is_interrupted_at_once_and_resumes(cli: CommandLine, waiting: Any) -> None:
    assert only_run(cli)["status"] == "running"
    os.kill(waiting.pid, signal.SIGKILL)
    waiting.wait()
    assert only_run(cli)["status"] == "interrupted"
    (cli.directory / "wait").unlink()
    answer = cli("run", "resume", only_run(cli)["id"])
    assert answer.code == 0, answer.err
    assert only_run(cli)["status"] == "completed"
    assert witnesses(cli) == ["first", "second", "second", "third"]


def test_a_restart_of_the_server_in_the_middle_of_a_run_is_waited_for(
    cli: CommandLine, waiting: Any, server: Any
) -> None:
    server.restart()
    (cli.directory / "wait").unlink()
    out, err = waiting.communicate(timeout=100)
    assert waiting.returncode == 0, out + err
    assert only_run(cli)["status"] == "completed"
    assert witnesses(cli) == ["first", "second", "third"]


def test_a_step_costs_at_most_two_write_transactions(cli: CommandLine, server: Any, database: str) -> None:
    lines = [f"@step\ndef step_{n}(value: int) -> int:\n    return value + 1\n" for n in range(20)]
    calls = "\n".join(f"    value = step_{n}(value)" for n in range(20))
    cli.write(
        "many.py",
        "from dovetail import pipeline, step\n\n"
        + "\n".join(lines)
        + f"\n@pipeline\ndef many():\n    value = 0\n{calls}\n",
    )
    assert cli("run", "list").code == 0  # makes the schema
    before = written(server, database)
    answer = cli("run", "many.py")
    assert answer.code == 0, answer.err
    used = written(server, database) - before
    assert 20 <= used <= 2 * 20 + 4, used


def written(server: Any, database: str) -> int:
    """Return how many transactions have been committed: single statements that read are none."""
    return int(server.execute("SHOW GLOBAL STATUS LIKE 'Com_commit'", database)[0][1])


def test_facts_go_from_sqlite_to_the_server_and_back(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("stack", "register", "files", "-o", "local", "-a", "local", "-m", "sqlite").code == 0
    for _ in range(2):
        assert cli("run", "small.py", "--stack", "files").code == 0
    place = str(tmp_path / "back.db")
    assert cli("metadata-store", "register", "back", "--flavor", "sqlite", "--path", place).code == 0
    digests = [
        cli("metadata-store", "copy", *names, "--json").json()["digest"]
        for names in (("sqlite", "my"), ("my", "back"), ("back", "sqlite"))
    ]
    assert len(set(digests)) == 1
    listed = [cli("run", "list", "--stack", each, "--json").out for each in ("files", "shared")]
    assert cli("run", "small.py").code == 0  # cached, and counted on from where the copy ended
    assert len(cli("run", "list", "--json").json()) == 3
    assert len(set(listed)) == 1

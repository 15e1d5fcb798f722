"""A store that takes nothing is noticed before a step has worked, and the run goes on once it is mended."""

from __future__ import annotations

import pytest

from dovetail.testing.command_line import CommandLine, assert_message

SCRIPT = """
from pathlib import Path
from dovetail import pipeline, step

@step
def work() -> int:
    with open("worked", "a") as file:
        file.write("x")
    return 1

@step
def after(value: int) -> int:
    return value + 1

@pipeline
def chain():
    after(work())
"""


@pytest.fixture
def blocked(cli: CommandLine) -> CommandLine:
    """A stack whose artifact store is to lie below a file."""
    cli.write("run.py", SCRIPT)
    cli.write("file", "")
    assert cli("init", "--bare").code == 0
    place = str(cli.directory / "file/below")
    assert cli("artifact-store", "register", "depot", "--flavor", "local", "--path", place).code == 0
    assert cli("metadata-store", "register", "facts", "--flavor", "sqlite", "--path", "facts.db").code == 0
    assert cli("stack", "register", "other", "-o", "local", "-a", "depot", "-m", "facts").code == 0
    return cli


def test_it_is_noticed_before_the_first_step_and_mended(blocked: CommandLine) -> None:
    answer = blocked("run", "run.py", "--stack", "other", "--name", "first")
    assert_message(answer, 8, "file/below", "DOVETAIL_STACK=other dovetail run resume first")
    assert not (blocked.directory / "worked").exists()
    other = {"DOVETAIL_STACK": "other"}
    shown = blocked("run", "show", "first", "--json", env=other).json()
    assert shown["status"] == "failed"
    assert [each["status"] for each in shown["steps"]] == ["pending", "pending"]
    place = str(blocked.directory / "free")
    assert blocked("artifact-store", "update", "depot", "--path", place).code == 0
    resumed = blocked("run", "resume", "first", env=other)
    assert resumed.code == 0, resumed.err
    assert "artifact store 'depot' has other settings than when the run began: path" in resumed.err
    assert (blocked.directory / "worked").read_text() == "x"
    assert blocked("artifact", "verify", "--all", env=other).code == 0


def test_a_run_that_is_all_cached_asks_nothing_of_the_place(blocked: CommandLine) -> None:
    place = blocked.directory / "free"
    assert blocked("artifact-store", "update", "depot", "--path", str(place)).code == 0
    assert blocked("run", "run.py", "--stack", "other").code == 0
    before = sorted(each for each in place.rglob("*") if each.is_file())
    assert blocked("run", "run.py", "--stack", "other").code == 0
    assert sorted(each for each in place.rglob("*") if each.is_file()) == before


def test_a_step_that_failed_on_another_stack_says_how_to_look_at_it(blocked: CommandLine) -> None:
    assert blocked("artifact-store", "update", "depot", "--path", "free").code == 0
    blocked.write("run.py", SCRIPT.replace("return 1", "return 1 / 0"))
    failed = blocked("run", "run.py", "--stack", "other", "--name", "second")
    assert failed.code == 1
    assert "DOVETAIL_STACK=other dovetail run logs second work" in failed.err
    assert "DOVETAIL_STACK=other dovetail run resume second" in failed.err

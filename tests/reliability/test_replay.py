"""Replays: one step of a recorded run again, on the inputs it had, with the present code."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine, assert_message

PROGRAM = """
import json
from pathlib import Path
from dovetail import pipeline, step

@step
def load() -> list[int]:
    return [1, 2, 3]

@step
def parse(values: list[int], text: str = "{") -> int:
    secret = len(values)
    json.loads(text)
    return secret

@step
def after(count: int) -> int:
    return count

@pipeline
def chain():
    after(parse(load()))

chain.run()
"""


class Project:
    """A run `first` whose middle step fails."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        cli.write("run.py", PROGRAM)
        assert cli("run", "run.py", "--name", "first", "-q").code == 1

    def edit(self, old: str, new: str) -> None:
        path = self.cli.directory / "run.py"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def show(self, run: str) -> Any:
        return self.cli("run", "show", run, "--json").json()


@pytest.fixture
def project(cli: CommandLine) -> Project:
    return Project(cli)


def test_a_replay_is_a_run_of_its_own_with_the_present_code_and_the_recorded_inputs(project: Project) -> None:
    first = project.show("first")
    project.edit("json.loads(text)", "print('replayed', values)")
    answer = project.cli("run", "replay", "first", "parse")
    assert answer.code == 0, answer.err
    assert "note: step 'parse' has changed since: code run:json: gone, code run:parse: changed" in answer.err
    assert "replays step parse of run first" in answer.out
    replayed = project.show("last")
    assert (replayed["parent"], replayed["id"] != first["id"]) == (first["id"], True)
    steps = {step["name"]: step for step in replayed["steps"]}
    assert {name: step["status"] for name, step in steps.items()} == {
        "load": "cached", "parse": "completed", "after": "skipped",
    }  # fmt: skip
    assert steps["parse"]["inputs"] == first["steps"][1]["inputs"]
    assert "replayed [1, 2, 3]" in project.cli("run", "logs", "last", "parse").out
    assert project.show("first") == first


def test_a_replay_may_have_a_name_and_other_parameters(project: Project) -> None:
    answer = project.cli("run", "replay", "first", "parse", "--name", "again", "--param", "parse.text=[]")
    assert answer.code == 0, answer.err
    assert "note: step 'parse' has changed since: parameter text: '{' -> '[]'" in answer.err
    steps = {each["name"]: each for each in project.show("again")["steps"]}
    assert (steps["parse"]["status"], steps["parse"]["parameters"]) == ("completed", {"text": "[]"})
    for words, code, said in (
        (["--name", "again"], 6, "a run 'again' is there already"),
        (["--param", "load.text=x"], 3, "step 'load', which is not run again"),
        (["--param", "parse.txt=x"], 3, "'txt'"),
    ):
        assert_message(project.cli("run", "replay", "first", "parse", *words), code, said)
    assert [each["name"] for each in project.cli("run", "list", "--json").json()] == ["again", "first"]


def test_a_replay_never_takes_the_step_from_the_cache(project: Project) -> None:
    for _ in range(2):
        answer = project.cli("run", "replay", "first", "load", "--json")
        assert (answer.code, answer.json()["steps"][0]["status"]) == (0, "completed")


def test_a_step_whose_inputs_were_never_made_cannot_be_replayed(project: Project) -> None:
    answer = project.cli("run", "replay", "first", "after")
    assert answer.code == 3
    assert "step 'after' of run 'first' never started: step 'parse', whose output it reads, is failed" in (
        answer.err
    )
    assert len(project.cli("run", "list", "--json").json()) == 1


def test_a_step_that_is_not_there_is_told_with_what_is_near(project: Project) -> None:
    answer = project.cli("run", "replay", "first", "pasre")
    assert (answer.code, "did you mean 'parse'?" in answer.err) == (5, True)


def test_a_debugger_without_a_terminal_is_refused(project: Project) -> None:
    answer = project.cli("run", "replay", "first", "parse", "--pdb")
    assert (answer.code, "--pdb needs a terminal, and standard input is none" in answer.err) == (2, True)
    assert len(project.cli("run", "list", "--json").json()) == 1


@pytest.mark.parametrize("quiet", [False, True])
def test_the_debugger_opens_at_the_users_frame(project: Project, quiet: bool) -> None:
    ours, theirs = pty.openpty()
    words = ["run", "replay", "first", "parse", "--pdb", *(["-q"] if quiet else [])]
    child = subprocess.Popen(
        [sys.executable, "-m", "dovetail", *words],
        cwd=project.cli.directory,
        env=project.cli.environment({"TERM": "dumb", "HOME": str(project.cli.home)}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = read_until(ours, "(Pdb)")
    assert "JSONDecodeError" in shown
    assert ("started" in shown) is not quiet
    os.write(ours, b"p secret * 111\n")
    assert "333" in read_until(ours, "(Pdb)")
    os.write(ours, b"q\n")
    read_until(ours, "hint:")
    assert child.wait(60) == 1
    os.close(ours)
    assert project.show("last")["steps"][1]["status"] == "failed"


def read_until(terminal: int, text: str, seconds: float = 60) -> str:
    """Read what a terminal shows, until that is among it."""
    shown, deadline = "", time.monotonic() + seconds
    while text not in shown:
        assert time.monotonic() < deadline, shown
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # nobody has it open any more
            break
    return shown

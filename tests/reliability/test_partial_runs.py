"""Partial runs: chosen steps run, and outputs of earlier runs stand in for what they read."""

from __future__ import annotations

from collections import Counter

import pytest

from dovetail import Client
from dovetail.client import RunView
from dovetail.records.run import StepRunRecord
from dovetail.testing.command_line import Answer, CommandLine

PROGRAM = """
from pathlib import Path
from dovetail import pipeline, step

def ran(name):
    with Path("witness").open("a") as file:
        file.write(name + "\\n")

@step
def load(count: int = 3) -> list[int]:
    ran("load")
    return list(range(count))

@step
def left(values: list[int]) -> int:
    ran("left")
    return sum(values)

@step
def right(values: list[int]) -> int:
    ran("right")
    if Path("bad").exists():
        raise ValueError("bad is there")
    return len(values)

@step
def join(one: int, other: int) -> int:
    ran("join")
    return one + other

@pipeline
def diamond():
    values = load()
    join(left(values), right(values))

if __name__ == "__main__":
    diamond.run()
"""


class Project:
    """A diamond of four steps that note when they run."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        cli.write("run.py", PROGRAM)
        assert self.run("--name", "whole").code == 0
        self.forget()

    def run(self, *options: str) -> Answer:
        """Run it in one process, that is quicker."""
        return self.cli("run", "run.py", "--in-process", *options)

    def shown(self, run: str = "last") -> RunView:
        with Client() as client:
            found = client.run(run)
            _ = found.outputs, found.metrics
        return found

    def record(self, step: str, run: str = "last") -> StepRunRecord:
        record = self.shown(run).step(step).record
        assert record is not None
        return record

    def statuses(self, run: str = "last") -> dict[str, str]:
        return {name: str(step.status) for name, step in self.shown(run).steps.items()}

    def lose(self, step: str, run: str) -> None:
        """Remove the files of a step's output from the store."""
        (output,) = self.record(step, run).outputs.values()
        for each in (self.cli.home / "store").rglob(f"*{output}*/*"):
            each.unlink()

    def ran(self) -> Counter[str]:
        witness = self.cli.directory / "witness"
        return Counter(witness.read_text(encoding="utf-8").split() if witness.exists() else [])

    def forget(self) -> None:
        (self.cli.directory / "witness").unlink(missing_ok=True)

    def edit(self, old: str, new: str) -> None:
        path = self.cli.directory / "run.py"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.fixture
def project(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DOVETAIL_HOME", str(cli.home))
    monkeypatch.chdir(cli.directory)
    return Project(cli)


CHOICES = {
    "--from left": {"left", "join"},
    "--from load --to right": {"load", "right"},
    "--only right --only left": {"left", "right"},
    "--from left --skip join": {"left"},
}


def test_several_steps_may_stand_in_one_word(project: Project) -> None:
    answer = project.run("--no-cache", "--from", "left,right", "--skip", "join,load")
    assert answer.code == 0, answer.err
    assert "a part of the pipeline: --from left --from right --skip join --skip load" in answer.out
    assert project.ran() == {"left": 1, "right": 1}
    assert "has no step ''" in project.run("--only", "left,").err


def test_only_the_chosen_steps_run(project: Project) -> None:
    for options, ran in CHOICES.items():
        answer = project.run("--no-cache", *options.split())
        assert answer.code == 0, answer.err
        assert project.ran() == dict.fromkeys(ran, 1)
        assert f"a part of the pipeline: {options}" in answer.out
        assert {name for name, status in project.statuses().items() if status == "completed"} == ran
        project.forget()


def test_what_stands_in_is_recorded_with_its_run_and_without_a_key(project: Project) -> None:
    answer = project.run("--only", "join", "--no-cache")
    assert "note: step 'left' is not run, its output is that of run 'whole'\n" in answer.err
    assert project.statuses() == {
        "load": "skipped", "left": "cached", "right": "cached", "join": "completed",
    }  # fmt: skip
    for name in ("left", "right"):
        record = project.record(name)
        assert (record.cached_from, record.key) == (project.shown("whole").id, "")
    assert project.record("join").inputs["one"] == project.record("left").outputs["output"]
    explained = project.cli("run", "explain", "last", "left").out
    assert "it was not to run, its output is that of run whole" in explained


def test_a_stale_output_that_stood_in_never_becomes_a_hit(project: Project) -> None:
    project.edit("return sum(values)", "return 100 + sum(values)")
    assert project.run("--only", "join", "--no-cache").code == 0
    assert project.run("--name", "later").code == 0
    assert project.statuses("later")["left"] == "completed"
    with Client() as client:
        assert client.run("later").step("join").output.load() == 106


def test_it_is_said_what_has_changed_since_also_through_several_partial_runs(project: Project) -> None:
    project.edit("return list(range(count))", "return list(range(1, count))")
    project.edit("return sum(values)", "return 100 + sum(values)")
    for _ in range(2):
        err = project.run("--only", "join", "--no-cache").err
        assert "step 'left' is not run" in err
        assert "changed since: code run:left: changed" in err
        assert err.count("step 'load' before it") == 2
    assert "step 'load' before it is run anew" in project.run("--only", "load", "--only", "join").err


def test_selected_steps_use_the_cache(project: Project) -> None:
    assert project.run("--only", "join").code == 0
    assert (project.statuses()["join"], project.ran()) == ("cached", {})


def test_a_step_that_no_run_has_is_one_error_before_anything_runs(cli: CommandLine) -> None:
    cli.write("run.py", PROGRAM)
    answer = cli("run", "run.py", "--only", "join")
    assert answer.code == 3
    assert "step 'left' is not to be run, step 'join' reads its output, and no run of pipeline 'diamond'" in (
        answer.err
    )
    assert "--base RUN" in answer.err
    assert cli("run", "list", "--json").json() == []
    assert not (cli.directory / "witness").exists()


def test_a_damaged_output_does_not_stand_in(project: Project) -> None:
    project.lose("left", "whole")
    answer = project.run("--only", "join", "--no-cache")
    assert answer.code == 3
    assert "that can be used: in run 'whole' output 'output'" in answer.err
    assert project.run("--from", "left", "--no-cache").code == 0
    assert project.run("--only", "join", "--no-cache").code == 0


def test_base_names_the_run_whose_outputs_stand_in(project: Project) -> None:
    assert project.run("--param", "load.count=5", "--name", "five").code == 0
    assert project.run("--only", "join", "--no-cache", "--base", "whole").code == 0
    assert project.record("left").cached_from == project.shown("whole").id
    project.cli.write("bad", "")
    assert project.run("--no-cache", "--name", "broken").code == 1
    answer = project.run("--only", "join", "--base", "broken")
    assert (answer.code, "run 'broken' has no output of it" in answer.err) == (3, True)


REFUSALS = {
    "--only lfet": (5, "did you mean 'left'?"),
    "--only left --from load": (2, "goes with neither `from` nor `to`"),
    "--only left --skip left": (2, "no step is left to run"),
    "--base whole": (2, "every step is to run"),
}


def test_a_selection_that_cannot_be_is_refused(project: Project) -> None:
    for options, (code, said) in REFUSALS.items():
        answer = project.run(*options.split())
        assert (answer.code, said in answer.err) == (code, True)
    assert project.ran() == {}
    assert project.shown().name == "whole"


def test_a_resumed_partial_run_keeps_its_selection(project: Project) -> None:
    project.cli.write("bad", "")
    options = ("--from", "right", "--no-cache", "--name", "part")
    assert project.cli("run", "run.py", *options).code == 1
    (project.cli.directory / "bad").unlink()
    resumed = project.cli("run", "resume", "part")
    assert resumed.code == 0, resumed.err
    assert project.ran() == {"right": 2, "join": 1}
    assert project.statuses("part") == {
        "load": "cached", "left": "cached", "right": "completed", "join": "completed",
    }  # fmt: skip


def test_a_resumed_partial_run_finds_a_lost_output_in_another_run(project: Project) -> None:
    assert project.run("--no-cache", "--name", "second").code == 0
    project.cli.write("bad", "")
    assert project.run("--from", "right", "--no-cache", "--name", "part").code == 1
    (project.cli.directory / "bad").unlink()
    assert project.record("load", "part").cached_from == project.shown("second").id
    project.lose("load", "part")
    resumed = project.cli("run", "resume", "part")
    assert resumed.code == 0, resumed.err
    assert project.record("load", "part").cached_from == project.shown("whole").id


def test_a_part_runs_from_python_too(project: Project) -> None:
    code = "from run import diamond; print(diamond.run(only=['left', 'join'], enable_cache=False).status)"
    assert project.cli.python("-c", code).out.strip() == "completed"
    assert project.ran() == {"left": 1, "join": 1}


def test_steps_are_completed_by_the_shell(project: Project) -> None:
    words = {
        "COMP_WORDS": "dovetail run run.py --from l",
        "COMP_CWORD": "4",
        "_DOVETAIL_COMPLETE": "bash_complete",
    }
    offered = project.cli.python("-m", "dovetail", env=words).out
    assert {"load", "left"} <= {line.partition(",")[2] for line in offered.splitlines()}

"""A compiled plan is the same wherever it is compiled, and runs wherever its code is."""

from __future__ import annotations

import shutil
from pathlib import Path

from dovetail.testing.command_line import CommandLine

STEPS = """
from dovetail import step

@step
def load(count: int = 3) -> list[int]:
    return list(range(count))

@step
def total(values: list[int]) -> int:
    return sum(values)
"""
SCRIPT = """
from dovetail import pipeline
from steps.numbers import load, total

@pipeline
def adding():
    total(load(count=4))

adding.run()
"""


def _project(cli: CommandLine) -> None:
    cli.write("steps/__init__.py", "")
    cli.write("steps/numbers.py", STEPS)
    cli.write("run.py", SCRIPT)


def test_a_plan_compiled_twice_also_in_another_clone_is_byte_equal(cli: CommandLine, tmp_path: Path) -> None:
    _project(cli)
    assert cli("pipeline", "compile", "run.py", "-o", "one.yaml", env={"PYTHONHASHSEED": "1"}).code == 0
    clone = CommandLine(tmp_path / "elsewhere" / "clone", tmp_path / "other-home")
    shutil.copytree(cli.directory, clone.directory)
    assert clone("pipeline", "compile", "run.py", "-o", "two.yaml", env={"PYTHONHASHSEED": "2"}).code == 0
    one, two = (cli.directory / "one.yaml").read_bytes(), (clone.directory / "two.yaml").read_bytes()
    assert one == two
    assert str(cli.directory).encode() not in one


def test_a_plan_runs_from_another_directory_where_its_code_is_named(cli: CommandLine, tmp_path: Path) -> None:
    _project(cli)
    cli("pipeline", "compile", "run.py", "-o", "plan.yaml")
    away = CommandLine(tmp_path / "away", tmp_path / "home")
    away.directory.mkdir()
    shutil.copy(cli.directory / "plan.yaml", away.directory)
    assert "--source" in away("run", "plan.yaml").err
    answer = away("run", "plan.yaml", "--source", str(cli.directory), "--json")
    assert answer.code == 0, answer.err
    assert answer.json()["status"] == "completed"


def test_a_plan_is_refused_where_its_code_has_changed(cli: CommandLine) -> None:
    _project(cli)
    cli("pipeline", "compile", "run.py", "-o", "plan.yaml")
    cli.write("steps/numbers.py", STEPS.replace("sum(values)", "max(values)"))
    answer = cli("run", "plan.yaml", "--source", ".")
    assert answer.code == 3
    assert "total" in answer.err
    assert "Traceback" not in answer.err


def test_several_pipelines_in_a_script_are_listed(cli: CommandLine) -> None:
    _project(cli)
    second = SCRIPT.replace("adding", "again").split("\n\n", 1)[1]
    cli.write("run.py", SCRIPT + second)
    answer = cli("run", "run.py")
    assert answer.code == 2
    assert "adding" in answer.err
    assert "again" in answer.err
    assert cli("run", "run.py:again", "--json").json()["pipeline"] == "again"

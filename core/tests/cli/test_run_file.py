"""`dovetail run FILE`: what is wrong with the command line or the script is told in one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

SCRIPT = """
from dovetail import pipeline, step

@step{options}
def one() -> int:
    return 1

@pipeline
def ones():
    {body}
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write run.py, with a step of these options and a pipeline with this body."""
    monkeypatch.chdir(tmp_path)

    def write(options: str = "", body: str = "one()") -> str:
        (tmp_path / "run.py").write_text(SCRIPT.format(options=options, body=body))
        return "run.py"

    return write


def test_help_and_usage_errors_name_the_file(
    dovetail: Callable[..., Any], script: Callable[..., str]
) -> None:
    script()
    assert dovetail("run run.py --help").out.startswith("Usage: dovetail run run.py [OPTIONS] [-- ")
    assert dovetail("run run.py --nope").err.endswith("hint: see dovetail run run.py --help\n")


def test_a_word_that_is_neither_verb_nor_file_is_told_with_what_is_near(dovetail: Callable[..., Any]) -> None:
    outcome = dovetail("run shwo")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("these end in .py or .yaml\nhint: did you mean 'show'?\n")


def test_a_definition_error_of_the_script_stays_itself(
    dovetail: Callable[..., Any], script: Callable[..., str]
) -> None:
    outcome = dovetail("run " + script(options="(retries=3)"))
    assert outcome.code == 3
    assert "run.py:4: a step has no option 'retries'\nhint: did you mean 'retry'" in outcome.err
    assert "the script raised" not in outcome.err


@pytest.mark.parametrize("command", ["run", "pipeline compile"])
@pytest.mark.parametrize("body", ["one() > 3", "one() + 1", "len(one())", "{}['a']"])
def test_a_body_that_computes_is_told_where_and_why_not(
    dovetail: Callable[..., Any], script: Callable[..., str], body: str, command: str
) -> None:
    outcome = dovetail(f"{command} {script(body=body)}")
    assert outcome.code == 3
    assert "run.py:10: the body of pipeline 'ones' raised" in outcome.err
    assert "compute inside a step" in outcome.err


def test_what_a_script_raises_is_told_where_it_was_raised(
    dovetail: Callable[..., Any], script: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "rows.py").write_text("\nimport no_such_module\n")
    run = tmp_path / script()
    run.write_text("import rows\n" + run.read_text())
    outcome = dovetail("run run.py")
    *shown, error, hint = outcome.err.splitlines()
    assert outcome.code == 2
    assert error.startswith(
        f"error: {tmp_path / 'rows.py'}:2: the script raised ModuleNotFoundError: No module"
    )
    assert "`python run.py`" in hint
    files = [line.split('"')[1] for line in shown if line.startswith("  File ")]
    assert files == [str(run), str(tmp_path / "rows.py")]


def test_what_a_library_raises_is_told_at_the_line_that_called_it(
    dovetail: Callable[..., Any], script: Callable[..., str], tmp_path: Path
) -> None:
    run = tmp_path / script()
    run.write_text("import json\njson.loads('{')\n" + run.read_text())
    assert f"error: {run}:2: the script raised JSONDecodeError" in dovetail("run run.py").err


def test_an_imported_file_that_is_no_python_is_told_by_its_own_line(
    dovetail: Callable[..., Any], script: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "halves.py").write_text("\n\nx = (\n")
    run = tmp_path / script()
    run.write_text("import halves\n" + run.read_text())
    assert f"error: {tmp_path / 'halves.py'}:3: the script raised SyntaxError" in dovetail("run run.py").err


@pytest.mark.parametrize("command", ["run", "pipeline compile"])
def test_a_wrong_parameter_is_told_by_its_name_and_how_it_is_typed(
    dovetail: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.py").write_text(TUNED)
    outcome = dovetail(f"{command} run.py --param train.alpha=abc")
    assert "parameter 'alpha' of step 'train', given by --param, is 'abc', not float" in outcome.err
    assert outcome.err.endswith("hint: alpha is a float: --param train.alpha=0.5\n")


TUNED = """
from dovetail import BaseStepConfig, pipeline, step

class Tuning(BaseStepConfig):
    alpha: float = 1.0

@step
def train(config: Tuning) -> float:
    return config.alpha

@pipeline
def trained():
    train(config=Tuning())
"""
TALKING = """
import argparse
import os
from dovetail import pipeline, step

argparse.ArgumentParser(prog="talking").parse_args()
os.write(1, b"raw\\n")
print("text")

@step
def one() -> int:
    print("in the step")
    return 1

@pipeline
def ones():
    print("in the body")
    one()

ones().run()
"""


@pytest.fixture
def talking(tmp_path: Path) -> CommandLine:
    """A project whose script prints wherever it can."""
    cli = CommandLine(tmp_path, tmp_path / "home")
    cli.write("run.py", TALKING)
    return cli


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_with_json_only_the_document_is_on_the_output(talking: CommandLine, mode: list[str]) -> None:
    answer = talking("run", "run.py", "--json", *mode)
    assert answer.json()["status"] == "completed"
    assert {"raw", "text", "in the body"} <= set(answer.err.split("\n"))


def test_a_plan_that_is_printed_is_the_only_thing_on_the_output(talking: CommandLine) -> None:
    assert talking("pipeline", "compile", "run.py").out.startswith("format: 1\n")


def test_a_script_that_leaves_with_zero_before_its_run_has_done_its_work(talking: CommandLine) -> None:
    answer = talking("run", "run.py", "--", "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("usage: talking")

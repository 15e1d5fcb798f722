"""`dovetail pipeline compile`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.yamlio import read_yaml

Cli = Callable[..., Any]

SCRIPT = """
from dovetail import pipeline, step

@step
def load(n: int = 3) -> list[int]:
    raise SystemExit("a step was called")

@pipeline
def small():
    load()

@pipeline
def large():
    load(n=100)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "run.py"
    path.write_text(SCRIPT)
    return path


def test_a_pipeline_becomes_a_plan_and_nothing_runs(dovetail: Cli, script: Path) -> None:
    shown = dovetail("pipeline compile run.py:large -o plan.yaml")
    assert (shown.code, shown.out) == (0, "")
    plan: Any = read_yaml(Path("plan.yaml").read_text(), "plan.yaml")
    assert (plan["pipeline"], plan["steps"][0]["parameters"]) == ("large", {"n": 100})
    assert dovetail("run list --json").json == []


def test_parameters_are_set_and_the_plan_is_printed(dovetail: Cli, script: Path) -> None:
    shown = dovetail("pipeline compile run.py:small --param load.n=7")
    plan: Any = read_yaml(shown.out, "printed")
    assert plan["steps"][0]["parameters"] == {"n": 7}


@pytest.mark.parametrize(
    ("words", "says"),
    [("run.py", "several pipelines"), ("run.py:gone", "no pipeline 'gone'"), ("gone.py", "gone.py"),
     ("run.py:small --param n=7", "STEP.NAME=VALUE"), ("run.py:small -o gone/plan.yaml", "cannot write")],
)  # fmt: skip
def test_what_is_wrong_is_told(dovetail: Cli, script: Path, words: str, says: str) -> None:
    shown = dovetail(f"pipeline compile {words}")
    assert shown.code != 0
    assert says in shown.err
    assert shown.err.startswith("error: ")

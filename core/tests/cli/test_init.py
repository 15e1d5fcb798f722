from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


def test_init_says_what_it_made_and_what_comes_next(dovetail: Cli, tmp_path: Path) -> None:
    lines = dovetail("init new").out.splitlines()
    assert lines[0] == f"made a workspace in {tmp_path / 'new'}"
    assert lines[-1] == "try it: dovetail run run.py"
    assert "  steps/fit.py" in lines


def test_init_refuses_to_overwrite(dovetail: Cli, tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("mine")
    outcome = dovetail("init")
    assert (outcome.code, "--bare" in outcome.err) == (6, True)
    assert dovetail("init --bare").code == 0
    assert dovetail("init --bare").code == 6
    assert (tmp_path / "run.py").read_text() == "mine"


@pytest.mark.parametrize("command", [["run.py"], ["-m", "dovetail", "run", "run.py"]])
def test_the_example_runs_with_the_core_alone(dovetail: Cli, tmp_path: Path, command: list[str]) -> None:
    assert dovetail("init").code == 0
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".dovetail" / "store" / "metadata.db").exists()

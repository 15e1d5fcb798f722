"""Scripts in the processes of steps: whatever they are called, and what they do after their run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dovetail.execution.attempt.script import load_script
from dovetail.testing.command_line import CommandLine

RUN = """
from dovetail import pipeline, step

@step
def one(n: int = 1) -> int:
    return n

@pipeline
def ones():
    one()

run = ones().run()
print("gave", run.step("one").output.load())
"""
LATER = """
@step
def two() -> int:
    return 2

@pipeline
def twos():
    two()

twos().run()
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize(
    "name", ["a.b.py", "my run.py", "1-läuft.py", "class.py", "test.py", "pickletools.py"]
)
def test_a_script_may_be_called_anything(cli: CommandLine, name: str, start: str) -> None:
    cli.write(name, RUN)
    answer = cli.python(name, env={"DOVETAIL_START_METHOD": start})
    assert answer.code == 0, answer.err
    assert "gave 1" in answer.out


def test_a_step_below_what_uses_a_result_is_told_why_it_is_not_there(cli: CommandLine) -> None:
    cli.write("run.py", RUN + LATER)
    answer = cli.python("run.py")
    assert answer.code == 1
    assert "run.py:13: define steps above" in answer.err
    assert "Traceback" not in answer.err


def test_what_a_script_raises_when_it_is_loaded_is_shown_from_its_own_line_on(cli: CommandLine) -> None:
    cli.write("run.py", "if __name__ != '__main__': 1 / 0\n" + RUN)
    answer = cli.python("run.py")
    assert answer.code == 1
    assert "ZeroDivisionError" in answer.err
    assert "importlib" not in answer.err
    assert "warm.py" not in answer.err


def test_an_edit_that_keeps_size_and_second_is_what_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    script = tmp_path / "edited.py"
    for text in ("value = 1", "value = 2"):
        script.write_text(text)
        os.utime(script, (1, 1))
        assert load_script(script, "edited").value == int(text[-1])
        del sys.modules["edited"]

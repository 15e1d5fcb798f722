"""However a step ends, its report says so in the user's words, and the run knows it."""

from __future__ import annotations

import pytest

from dovetail.testing.command_line import CommandLine

STEP = """
import os
from dovetail import pipeline, step

class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no text")

@step
def troubled() -> int:
    {body}
    return 1

@pipeline
def trouble():
    troubled()

trouble().run()
"""
ENDINGS = {
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "import asyncio; raise asyncio.CancelledError": "CancelledError",
    "raise Silent": "__str__ raised RuntimeError",
    "raise ValueError('half \\udc80')": "half \\udc80",
    "raise ValueError('long ' * 5000)": "(25000 characters)",
}


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
@pytest.mark.parametrize("body", ENDINGS)
def test_whatever_a_step_raises_fails_it_and_shows_only_its_own_frames(
    cli: CommandLine, body: str, mode: list[str]
) -> None:
    cli.write("run.py", STEP.format(body=body))
    answer = cli("run", "run.py", *mode)
    assert answer.code == 1
    assert "step 'troubled' failed" in answer.err
    assert ENDINGS[body] in answer.err
    assert "step_runner.py" not in answer.err
    assert len(answer.err) < 25_000
    assert cli("run", "show", "last", "--json").json()["status"] == "failed"


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_that_leaves_without_a_report_failed_by_its_exit(cli: CommandLine, code: int) -> None:
    cli.write("run.py", STEP.format(body=f"os._exit({code})"))
    answer = cli("run", "run.py")
    assert answer.code == 1
    assert f"failed: its process left with exit code {code}" in answer.err


def test_an_output_that_cannot_be_stored_is_named(cli: CommandLine) -> None:
    cli.write("run.py", STEP.format(body="return 'text'"))
    answer = cli("run", "run.py")
    assert answer.code == 1
    assert "output 'output' cannot be stored" in answer.err


RETRYING = """
from pathlib import Path
from dovetail import pipeline, step

class Own(Exception):
    pass

@step(retry={{"attempts": 3, "on": {on}}})
def flaky() -> int:
    tries = Path({tries!r})
    tries.write_text(tries.read_text() + "x")
    if len(tries.read_text()) < 3:
        raise {raised}("not yet")
    return 1

@pipeline
def trouble():
    flaky()

trouble().run()
"""


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
@pytest.mark.parametrize(
    ("on", "raised", "times"),
    [
        ("OSError", "FileNotFoundError", 3),
        ("[ValueError, 'OSError']", "OSError", 3),
        ("Own", "Own", 3),
        ("[ValueError]", "OSError", 1),
    ],
)
def test_only_what_is_named_and_its_subclasses_are_tried_again(
    cli: CommandLine, on: str, raised: str, times: int, mode: list[str]
) -> None:
    tries = cli.write("tries", "")
    cli.write("run.py", RETRYING.format(on=on, raised=raised, tries=str(tries)))
    cli("run", "run.py", *mode)
    assert len(tries.read_text()) == times

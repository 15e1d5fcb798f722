"""A copy that the user's code forked and let go on is not the step."""

from __future__ import annotations

import pytest

from dovetail.testing.command_line import CommandLine

FORKING = """
import os, sys
from dovetail import pipeline, step

@step
def forking() -> int:
    copy = os.fork()
    if copy == 0:
        {body}
    _, status = os.waitpid(copy, 0)
    print("left with", os.waitstatus_to_exitcode(status))
    return 7

@pipeline
def forks():
    forking()

print("value", forks().run(in_process={in_process}).step("forking").output.load())
"""


@pytest.mark.parametrize("in_process", [False, True])
@pytest.mark.parametrize(("body", "code"), [("return 8", 0), ("sys.exit(3)", 3), ("raise ValueError", 1)])
def test_a_copy_that_comes_back_ends_and_the_step_goes_on(
    cli: CommandLine, body: str, code: int, in_process: bool
) -> None:
    cli.write("run.py", FORKING.format(body=body, in_process=in_process))
    answer = cli.python("run.py")
    assert answer.code == 0, answer.err
    assert "value 7" in answer.out
    assert f"left with {code}" in cli("run", "logs", "last").out

"""Retries: when, after which wait, and what is kept of each attempt."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

MODES = pytest.mark.parametrize("mode", [[], ["--in-process"]], ids=["processes", "in_process"])

HEAD = """
import os, signal, sys, time
from dovetail import pipeline, step, step_context

class Trouble(Exception): pass
class DeepTrouble(Trouble): pass

def note(name):
    with open("witness", "a") as file:
        file.write(f"{name} {time.monotonic()}\\n")

def attempt():
    return step_context().attempt_number
"""

LOOK = """
import json
from dovetail import Client
run = Client().run()
fields = ("number", "status", "reason", "error", "started", "finished", "duration", "log")
found = {name: {"status": step.status, "attempts": [{each: getattr(tried, each) for each in fields}
         for tried in step.attempts]} for name, step in run.steps.items()}
print(json.dumps({"status": run.status, "steps": found}))
"""


def run(cli: CommandLine, steps: str, *options: str) -> Any:
    names = [line[4:].partition("(")[0] for line in steps.splitlines() if line.startswith("def ")]
    calls = "; ".join(f"{name}()" for name in names)
    cli.write("run.py", f"{HEAD}{steps}\n@pipeline\ndef trying(): {calls}\ntrying.run()\n")
    cli("run", "run.py", "--failure-policy", "continue", "--no-cache", *options)
    return json.loads(cli.python("-c", LOOK).out)


def times(cli: CommandLine, name: str) -> list[float]:
    lines = (cli.directory / "witness").read_text().splitlines()
    return [float(when) for step, when in map(str.split, lines) if step == name]


WAITS = """
@step(retry={"attempts": 4, "delay": 0.2})
def grows() -> int:
    note("grows")
    print("try", attempt())
    if attempt() < 4:
        raise ConnectionError(f"refused {attempt()}")
    return attempt()

@step(retry={"attempts": 3, "delay": 0.3, "backoff": 1.0})
def stays() -> int:
    note("stays")
    raise OSError("never")

@step(retry={"attempts": 2, "delay": 0.2, "jitter": 1.0})
def spreads() -> int:
    note("spreads")
    raise OSError("never")
"""


@MODES
def test_waits_grow_and_each_attempt_has_its_own_log_times_and_reason(
    cli: CommandLine, mode: list[str]
) -> None:
    found = run(cli, WAITS, *mode)
    steps = found["steps"]
    assert {name: len(each["attempts"]) for name, each in steps.items()} == {
        "grows": 4, "stays": 3, "spreads": 2,
    }  # fmt: skip
    gaps = {name: [b - a for a, b in pairwise(times(cli, name))] for name in steps}
    assert all(gap >= wait for gap, wait in zip(gaps["grows"], (0.2, 0.4, 0.8), strict=True))
    assert all(gap >= 0.3 for gap in gaps["stays"])
    assert gaps["spreads"][0] >= 0.2
    attempts = steps["grows"]["attempts"]
    assert [each["status"] for each in attempts] == ["failed"] * 3 + ["completed"]
    assert [each["reason"] for each in attempts] == ["error"] * 3 + ["completed"]
    assert [each["error"] for each in attempts[:3]] == [f"ConnectionError: refused {n}" for n in (1, 2, 3)]
    assert all(a["finished"] <= b["started"] for a, b in pairwise(attempts))
    assert len({each["log"] for each in attempts}) == 4
    for number in (1, 4):
        out = cli("run", "logs", "last", "grows", "--attempt", str(number)).out
        assert f"try {number}\n" in out
        assert out.count("try ") == 1
    assert found["status"] == "failed"


WHICH = """
@step(retry={"attempts": 2, "on": [OSError]})
def subclass() -> int: raise FileNotFoundError

@step(retry={"attempts": 2, "on": "OSError"})
def builtin_by_name() -> int: raise ConnectionResetError

@step(retry={"attempts": 2, "on": [Trouble]})
def own_class() -> int: raise DeepTrouble

@step(retry={"attempts": 2, "on": ["run.Trouble"]})
def own_by_public_name() -> int: raise Trouble

@step(retry={"attempts": 2, "on": [OSError]})
def another() -> int: raise ValueError

@step(retry={"attempts": 2, "on": [DeepTrouble]})
def only_the_base() -> int: raise Trouble
"""


@MODES
def test_only_the_named_exceptions_are_tried_again(cli: CommandLine, mode: list[str]) -> None:
    steps = run(cli, WHICH, *mode)["steps"]
    tried = {name: len(each["attempts"]) for name, each in steps.items()}
    again = dict.fromkeys(("subclass", "builtin_by_name", "own_class", "own_by_public_name"), 2)
    assert tried == {**again, "another": 1, "only_the_base": 1}


DEATHS = """
@step(retry=2)
def killed() -> int:
    return attempt() if attempt() == 2 else os.kill(os.getpid(), signal.SIGKILL)

@step(retry=2)
def left() -> int:
    return attempt() if attempt() == 2 else os._exit(0)

@step(retry=2, timeout=1)
def slow() -> int:
    return attempt() if attempt() == 2 else time.sleep(600)

@step(retry={"attempts": 2, "on": [TimeoutError]}, timeout=1)
def slow_by_name() -> int:
    return attempt() if attempt() == 2 else time.sleep(600)

@step(retry={"attempts": 2, "on": [Exception]})
def killed_is_no_exception() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_ends_a_process_is_tried_again_with_its_reason(
    cli: CommandLine, tell: Callable[[str], None]
) -> None:
    steps = run(cli, DEATHS)["steps"]
    reasons = {name: [each["reason"] for each in step["attempts"]] for name, step in steps.items()}
    assert reasons == {
        "killed": ["signal", "completed"],
        "left": ["exit", "completed"],
        "slow": ["timeout", "completed"],
        "slow_by_name": ["timeout", "completed"],
        "killed_is_no_exception": ["signal"],
    }
    tell("4 ends of a process tried again, 1 that no exception names not")


SLOT = """
@step(retry={"attempts": 2, "delay": 1.0})
def waits() -> int:
    note("waits")
    if attempt() == 1:
        raise OSError
    return 1

@step
def beside() -> int:
    note("beside")
    return 1
"""


@MODES
def test_a_step_that_waits_holds_no_place(cli: CommandLine, mode: list[str]) -> None:
    assert run(cli, SLOT, "--max-workers", "1", *mode)["status"] == "completed"
    first, second = times(cli, "waits")
    assert first < times(cli, "beside")[0] < second


GIVEN_UP = """
@step(retry={"attempts": 2, "delay": 3600})
def waits() -> int:
    raise OSError("for an hour")

@step
def fails() -> int:
    time.sleep(0.3)
    raise ValueError
"""


@MODES
def test_a_step_that_waits_when_the_run_fails_has_failed(cli: CommandLine, mode: list[str]) -> None:
    found = run(cli, GIVEN_UP, "--failure-policy", "stop", *mode)
    assert (found["status"], found["steps"]["waits"]["status"]) == ("failed", "failed")

"""Clocks that jump: no negative duration, and runs in the order in which they began."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

MODES = pytest.mark.parametrize("mode", [[], ["--in-process"]], ids=["processes", "in_process"])

JUMPS = """
import itertools, time
from dovetail import pipeline, step, step_context

HOUR, really, looks = 3600 * 10**9, time.time_ns, itertools.count(1)
time.time_ns = lambda: really() {sign} next(looks) * HOUR
time.time = lambda: time.time_ns() / 1e9

@step(retry={{"attempts": 2, "delay": 0.1}}, timeout=60)
def one() -> int:
    if step_context().attempt_number == 1:
        raise OSError
    return 1

@step
def two(value: int) -> int:
    return value + 1

@pipeline
def jumping():
    two(one())

jumping.run()
"""

TURNS = """
import time
from dovetail import pipeline, step

@step
def turns(back: bool) -> int:
    time.time = lambda: 0.0 if back else 1e11
    time.time_ns = lambda: 0 if back else 10**20
    time.monotonic = time.perf_counter = lambda: -1e9 if back else 1e9
    return 1

@step
def dies() -> int:
    import os, sys
    turns_too = __import__("time")
    turns_too.time_ns = lambda: 0
    return 1

@pipeline
def turning():
    turns(back=True); turns(back=False); dies()

turning.run()
"""


def moments(run: Any) -> list[tuple[float, float]]:
    """Return duration, and span from start to finish, of a run and its steps."""
    found = [run, *run["steps"]]
    spans = [
        datetime.fromisoformat(each["finished"]) - datetime.fromisoformat(each["started"]) for each in found
    ]
    return [(each["duration"], span.total_seconds()) for each, span in zip(found, spans, strict=True)]


@MODES
@pytest.mark.parametrize("sign", ["-", "+"], ids=["back", "forth"])
def test_no_duration_is_negative_when_the_clock_jumps_an_hour_at_each_look(
    cli: CommandLine, mode: list[str], sign: str
) -> None:
    cli.write("run.py", JUMPS.format(sign=sign))
    answer = cli("run", "run.py", *mode, "--no-cache", "--json")
    assert answer.code == 0, answer.err
    for duration, span in moments(answer.json()):
        assert 0 <= duration < 60
        assert span >= 0
    look = "from dovetail import Client; print([a.duration for a in Client().run().step('one').attempts])"
    assert all(0 <= each < 60 for each in json.loads(cli.python("-c", look).out))


@MODES
def test_a_step_that_turns_the_clocks_of_its_process_has_its_true_duration(
    cli: CommandLine, mode: list[str]
) -> None:
    cli.write("run.py", TURNS)
    answer = cli("run", "run.py", *mode, "--no-cache", "--json")
    assert answer.code == 0, answer.err
    for duration, span in moments(answer.json()):
        assert 0 <= duration < 60
        assert 0 <= span < 60


def test_runs_are_listed_in_the_order_in_which_they_began_whatever_the_clock_said(cli: CommandLine) -> None:
    plain = (
        "from dovetail import pipeline, step\n@step\ndef one() -> int: return 1\n@pipeline\ndef p(): one()\n"
    )
    cli.write("run.py", f"{plain}import sys, time\nnow = time.time_ns()\nfor day in (3, 1, 2):\n"
              "    time.time_ns = lambda day=day: now + day * 86400 * 10**9\n"
              "    p.run(name=f'day{day}', in_process=True, quiet=True)\n")  # fmt: skip
    answer = cli.python("run.py")
    assert answer.code == 0, answer.err
    assert [each["name"] for each in cli("run", "list", "--json").json()] == ["day2", "day1", "day3"]
    assert cli("run", "show", "last", "--json").json()["name"] == "day2"

"""A request to end, by a signal or by a command, ends the run and all its steps; it can be resumed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from dovetail.host.process_tree import carries, children
from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import local_violations

GRACE = 1.0
SLACK = 2.0
INTERRUPT, TERMINATE, HANG_UP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
SIGNALS = {"Ctrl-C": INTERRUPT, "SIGTERM": TERMINATE, "SIGHUP": HANG_UP}
CODES = {"Ctrl-C": 130, "SIGTERM": 143, "SIGHUP": 129, "run cancel": 130}
STEPS = ("deaf", "in_c", "in_finally", "catching", "parent")
QUICK = [
    ("deaf", "Ctrl-C"), ("in_c", "run cancel"), ("in_finally", "SIGTERM"), ("catching", "SIGHUP"),
    ("parent", "SIGTERM"),
]  # fmt: skip
FULL = [[(step, how) for step in STEPS] for how in CODES]


def cancelled(program: Any, code: int, *, within: float = GRACE + SLACK) -> dict[str, Any]:
    """Check how everything ended that was asked to; return the run."""
    assert program.left_over(within) == [], program.err
    assert program.end() == code, program.err
    run: dict[str, Any] = program.shown()
    assert run["status"] == "cancelled"
    assert f"dovetail run resume {run['name']}" in program.err
    return run


def states(run: dict[str, Any]) -> list[str]:
    return [each["status"] for each in run["steps"]]


@pytest.mark.timeout(300)
def test_g05_a_step_that_does_not_want_to_end_is_ended_within_the_grace_time_and_two_seconds(
    stubborn: Callable[..., Any], cli: CommandLine, full: bool, tell: Callable[[str], None]
) -> None:
    batches = FULL if full else [QUICK]
    for batch in batches:
        programs = [(stubborn(step), how) for step, how in batch]
        for program, _ in programs:
            program.until_ready()
        for program, how in programs:
            program.ask(SIGNALS.get(how))
        for program, how in programs:
            assert states(cancelled(program, CODES[how])) == ["cancelled"]
    assert local_violations(cli.home) == []
    tell(f"{sum(map(len, batches))} steps that did not want to end were ended in time")


def test_g05_a_step_that_tidies_up_gets_the_time_to_do_it(stubborn: Callable[..., Any]) -> None:
    program = stubborn("tidy")
    program.until_ready()
    program.ask(INTERRUPT)
    cancelled(program, 130)
    assert program.told("tidied")


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE])
def test_g05_a_second_signal_kills_at_once(stubborn: Callable[..., Any], number: int) -> None:
    program = stubborn("deaf", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="60")
    program.until_ready()
    program.ask(number)
    program.until(lambda: "asked to end" in program.err)
    program.ask(number)
    cancelled(program, 128 + number, within=SLACK)


def test_g05_a_request_that_insists_kills_at_once(stubborn: Callable[..., Any], cli: CommandLine) -> None:
    program = stubborn("deaf", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="60")
    program.until_ready()
    answer = cli("run", "cancel", program.run, "--now", "--json")
    assert answer.json()["status"] == "cancelled"
    cancelled(program, 130, within=SLACK)


def test_g05_all_steps_that_run_at_the_same_time_are_ended(stubborn: Callable[..., Any]) -> None:
    program = stubborn("several", "--max-workers", "4")
    program.until_ready(4)
    program.ask(INTERRUPT)
    assert states(cancelled(program, 130)) == ["cancelled"] * 4


def test_g05_a_step_that_waits_for_its_retry_does_not_hold_the_run(stubborn: Callable[..., Any]) -> None:
    program = stubborn("failing")
    program.until(lambda: "next attempt" in program.err)
    program.ask(INTERRUPT)
    (step,) = cancelled(program, 130, within=SLACK)["steps"]
    assert step["status"] == "cancelled"
    assert "ValueError: not this time" in step["error"]


def test_g05_the_import_of_the_steps_modules_is_ended(stubborn: Callable[..., Any], cli: CommandLine) -> None:
    cli.write("slow-import", "")
    program = stubborn("patient")
    program.until_ready()
    program.until(lambda: "started" in program.err)
    program.ask(TERMINATE)
    cancelled(program, 143)


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE])
def test_g05_a_script_leaves_like_the_command(stubborn: Callable[..., Any], number: int) -> None:
    program = stubborn("deaf", program=("stubborn.py",))
    program.until_ready()
    program.ask(number)
    cancelled(program, 128 + number)


def test_g05_a_cancelled_run_is_resumed_and_repeats_no_completed_step(stubborn: Callable[..., Any]) -> None:
    program = stubborn("quick_then_patient")
    program.until_ready()
    program.ask(INTERRUPT)
    run = cancelled(program, 130)
    assert states(run) == ["completed", "cancelled"]
    again = stubborn("", program=("-m", "dovetail", "run", "resume", run["name"]))
    again.until_ready()
    again.ask(TERMINATE)
    assert states(cancelled(again, 143)) == ["completed", "cancelled"]
    assert not again.told("quick")


def test_g05_a_request_of_an_earlier_time_does_not_end_a_resumed_run(stubborn: Callable[..., Any]) -> None:
    program = stubborn("patient")
    program.until_ready()
    program.ask(None)
    cancelled(program, 130)
    again = stubborn("", program=("-m", "dovetail", "run", "resume", "last"))
    again.until_ready()
    with pytest.raises(AssertionError, match="in vain"):
        again.until(lambda: again.process.poll() is not None, seconds=1.5)
    again.ask(None)
    cancelled(again, 130)


def test_g05_a_stopped_supervisor_does_not_keep_a_run_from_its_end(stubborn: Callable[..., Any]) -> None:
    program = stubborn("deaf")
    program.until_ready()
    (supervisor,) = (each for each in children(program.process.pid) if carries(each, "DOVETAIL_RUN_COOKIE="))
    os.kill(supervisor, signal.SIGSTOP)
    program.ask(INTERRUPT)
    assert states(cancelled(program, 130)) == ["cancelled"]


def test_g05_a_timeout_ends_a_step_in_the_same_way(stubborn: Callable[..., Any]) -> None:
    program = stubborn("late")
    program.until_ready()
    assert program.end() == 1
    assert "it ran longer than its timeout of 0.5 s" in program.err
    (step,) = program.shown()["steps"]
    assert step["status"] == "failed"
    assert step["duration"] < 0.5 + GRACE + SLACK
    assert program.left_over(0.0) == []

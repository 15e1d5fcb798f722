"""A request to end, by a signal or by a command, ends the run and all its steps; it can be resumed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import local_violations, survivors

GRACE = 1.0
SLACK = 2.0
INTERRUPT, TERMINATE, HANG_UP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def ask(program: Any, cli: CommandLine, how: str) -> None:
    """Ask in one of the ways there are."""
    if how == "run cancel":
        program.request = cli.spawn("run", "cancel", "last", "--json")
        program.wait_for(lambda: list(cli.home.rglob("requests/cancel-*.json")))
        program.signal(0)
    else:
        program.signal({"Ctrl-C": INTERRUPT, "SIGTERM": TERMINATE, "SIGHUP": HANG_UP}[how])


def cancelled(program: Any, cli: CommandLine, code: int, *, within: float = GRACE + SLACK) -> dict[str, Any]:
    """Check how everything ended; return the run."""
    left, seconds = program.end()
    assert left == code, program.err
    assert seconds < within, program.err
    assert survivors(program.cookie, patience=max(0.0, within - seconds)) == []
    if (request := getattr(program, "request", None)) is not None:
        assert request.communicate(timeout=60)[1].startswith("asked run ")
        assert request.returncode == 0
    run: dict[str, Any] = cli("run", "show", "last", "--json").json()
    assert run["status"] == "cancelled"
    assert all(each["status"] in {"cancelled", "completed", "pending", "skipped"} for each in run["steps"])
    assert f"dovetail run resume {run['name']}" in program.err
    assert local_violations(cli.home) == []
    return run


CODES = {"Ctrl-C": 130, "SIGTERM": 143, "SIGHUP": 129, "run cancel": 130}
STEPS = ("deaf", "in_c", "in_finally", "catching", "parent")
QUICK = {
    ("deaf", "Ctrl-C"), ("in_c", "run cancel"), ("in_finally", "SIGTERM"), ("catching", "SIGHUP"),
    ("parent", "SIGTERM"),
}  # fmt: skip


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("step", STEPS)
def test_g05_a_step_that_does_not_want_to_end_is_ended_within_the_grace_time_and_two_seconds(
    stubborn: Callable[..., Any], cli: CommandLine, full: bool, step: str, how: str
) -> None:
    if not full and (step, how) not in QUICK:
        pytest.skip("the full sizes ask each step in each way")
    program = stubborn(step)
    program.until("ready-*")
    ask(program, cli, how)
    run = cancelled(program, cli, CODES[how])
    assert [each["status"] for each in run["steps"]] == ["cancelled"]


def test_g05_a_step_that_tidies_up_gets_the_time_to_do_it(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("tidy")
    program.until("ready-*")
    program.signal(INTERRUPT)
    cancelled(program, cli, 130)
    assert (cli.directory / "ready-tidied").exists()


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE])
def test_g05_a_second_signal_kills_at_once(
    stubborn: Callable[..., Any], cli: CommandLine, number: int
) -> None:
    program = stubborn("deaf", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="60")
    program.until("ready-*")
    program.signal(number)
    program.wait_for(lambda: "asked to end" in program.err)
    program.signal(number)
    cancelled(program, cli, 128 + number, within=SLACK)


def test_g05_a_request_that_insists_kills_at_once(stubborn: Callable[..., Any], cli: CommandLine) -> None:
    program = stubborn("deaf", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="60")
    program.until("ready-*")
    program.signal(0)
    answer = cli("run", "cancel", "last", "--now", "--json")
    assert answer.json()["status"] == "cancelled"
    cancelled(program, cli, 130)


def test_g05_all_steps_that_run_at_the_same_time_are_ended(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("several", "--max-workers", "4")
    program.until("ready-*", 4)
    program.signal(INTERRUPT)
    run = cancelled(program, cli, 130)
    assert [each["status"] for each in run["steps"]] == ["cancelled"] * 4


def test_g05_a_step_that_waits_for_its_retry_does_not_hold_the_run(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("failing")
    program.wait_for(lambda: "next attempt" in program.err)
    program.signal(INTERRUPT)
    (step,) = cancelled(program, cli, 130, within=SLACK)["steps"]
    assert step["status"] == "cancelled"
    assert step["error"] == "ValueError: not this time"


def test_g05_the_import_of_the_steps_modules_is_ended(stubborn: Callable[..., Any], cli: CommandLine) -> None:
    cli.write("slow-import", "")
    program = stubborn("patient")
    program.until("ready-*")
    program.wait_for(lambda: "started" in program.err)
    program.signal(TERMINATE)
    cancelled(program, cli, 143)


@pytest.mark.parametrize("number", [INTERRUPT, TERMINATE])
def test_g05_a_script_leaves_like_the_command(
    stubborn: Callable[..., Any], cli: CommandLine, number: int
) -> None:
    program = stubborn("deaf", program=("stubborn.py",))
    program.until("ready-*")
    program.signal(number)
    cancelled(program, cli, 128 + number)


def test_g05_a_cancelled_run_is_resumed_and_completes(stubborn: Callable[..., Any], cli: CommandLine) -> None:
    program = stubborn("quick_then_patient")
    program.until("ready-[0-9]*")
    program.signal(INTERRUPT)
    run = cancelled(program, cli, 130)
    assert [each["status"] for each in run["steps"]] == ["completed", "cancelled"]
    (cli.directory / "ready-quick").unlink()
    again = stubborn("", program=("-m", "dovetail", "run", "resume", run["name"]))
    again.until("ready-[0-9]*", 2)
    again.signal(TERMINATE)
    cancelled(again, cli, 143)
    assert not (cli.directory / "ready-quick").exists()


def test_g05_a_request_of_an_earlier_time_does_not_end_a_resumed_run(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("patient")
    program.until("ready-*")
    ask(program, cli, "run cancel")
    cancelled(program, cli, 130)
    again = stubborn("", program=("-m", "dovetail", "run", "resume", "last"))
    again.until("ready-*", 2)
    with pytest.raises(AssertionError, match="in vain"):
        again.wait_for(lambda: again.process.poll() is not None, seconds=1.5)
    again.signal(INTERRUPT)
    cancelled(again, cli, 130)

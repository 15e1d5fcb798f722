"""Cancelling a run whose steps are called in the process of the command, or that a thread has launched."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import local_violations

INTERRUPT, TERMINATE = signal.SIGINT, signal.SIGTERM
IN_THREAD = """
import os, threading, time
import stubborn

def launch():
    wanted = getattr(stubborn, os.environ["PIPELINE"])
    stubborn.one(wanted).run(in_process="IN_PROCESS" in os.environ, name=os.environ["DOVETAIL_TEST_COOKIE"])

thread = threading.Thread(target=launch)
thread.start()
while thread.is_alive():
    time.sleep(0.05)
"""


def cancelled(program: Any, code: int) -> None:
    assert program.end() == code, program.err
    assert program.left_over(2.0) == []
    run = program.shown()
    assert [run["status"], *(each["status"] for each in run["steps"])] == ["cancelled", "cancelled"]


def test_g05_a_step_in_this_process_is_interrupted_and_if_that_does_not_help_ended_with_it(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    asked = [("tidy", INTERRUPT, 130), ("patient", TERMINATE, 143), ("patient", None, 130),
             ("busy", None, 130), ("catching", INTERRUPT, 130), ("in_finally", None, 130)]  # fmt: skip
    programs = [(stubborn(step, "--in-process"), how, code) for step, how, code in asked]
    for program, _, _ in programs:
        program.until_ready()
    for program, how, _ in programs:
        program.ask(how)
    for program, _, code in programs:
        cancelled(program, code)
    assert programs[0][0].told("tidied")
    assert local_violations(cli.home) == []


def test_g05_a_person_is_told_the_same_when_the_steps_run_in_this_process(
    stubborn: Callable[..., Any],
) -> None:
    asked = "asked to end; steps have 600 s for it, a second time none"
    for step, obeys in (("patient", True), ("catching", False)):
        program = stubborn(step, "--in-process", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="600")
        program.until_ready()
        program.ask(INTERRUPT)
        if not obeys:
            program.until(lambda told=program: asked in told.err)
            program.ask(INTERRUPT)
        cancelled(program, 130)
        assert program.err.count(asked) in ({0, 1} if obeys else {1}), "what has ended is not waited for"
        assert program.err.count(f"error: run '{program.run}' was cancelled\nhint: to go on ") == 1


def test_g05_a_second_signal_ends_a_step_in_this_process_at_once(stubborn: Callable[..., Any]) -> None:
    program = stubborn("catching", "--in-process", DOVETAIL_ORCHESTRATOR_LOCAL_GRACE="600")
    program.until_ready()
    program.ask(INTERRUPT)
    program.until(lambda: program.told("again"))
    program.ask(INTERRUPT)
    cancelled(program, 130)


def test_g05_a_second_signal_ends_this_process_when_it_loops_in_c(stubborn: Callable[..., Any]) -> None:
    program = stubborn("in_c", "--in-process")
    program.until_ready()
    program.ask(INTERRUPT)
    with pytest.raises(AssertionError, match="in vain"):
        program.until(lambda: program.process.poll() is not None, seconds=0.3)
    program.ask(INTERRUPT)
    assert program.end() == -INTERRUPT
    assert program.shown()["status"] == "interrupted"


def test_g05_a_run_that_a_thread_has_launched_is_cancelled(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    cli.write("thread.py", IN_THREAD)
    asked = [
        ("deaf", {}, None, 0),
        ("deaf", {}, INTERRUPT, -INTERRUPT),
        ("busy", {"IN_PROCESS": "1"}, None, 0),
    ]
    programs = [(stubborn(step, program=("thread.py",), **env), how, code) for step, env, how, code in asked]
    for program, how, _ in programs:
        program.until_ready()
        program.run = program.token
        program.ask(how)
    for program, _, code in programs:
        cancelled(program, code)
    assert local_violations(cli.home) == []

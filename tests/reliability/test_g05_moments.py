"""A signal that comes while something is being recorded leaves nothing half recorded."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import cycle, product
from typing import Any

from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import local_violations

MODES = ((), ("--in-process",))
POINTS = ("begin", "cache-look-up", "claim", "record", "finish")


def is_stopped(program: Any) -> bool:
    with open(f"/proc/{program.process.pid}/stat") as file:  # noqa: PTH123 - a pseudo file
        return file.read().rpartition(")")[2].split()[0] == "T"


def run_through(program: Any, *numbers: int) -> int:
    """Send signals while it stands at its failpoint, and let it go on."""
    program.until(lambda: is_stopped(program))
    for number in numbers:
        program.ask(number)
    program.process.send_signal(signal.SIGCONT)
    code: int = program.end()
    return code


def test_g05_a_signal_while_something_is_recorded_leaves_nothing_half_recorded(
    stubborn: Callable[..., Any], cli: CommandLine, full: bool, tell: Callable[[str], None]
) -> None:
    turns = zip(POINTS, cycle(MODES), strict=False)
    asked = list(product(POINTS, MODES)) if full else list(turns)
    programs = [
        (point, stubborn("quick" if point == "finish" else "quick_then_patient", *mode,
                         DOVETAIL_FAILPOINT=f"{point}:stop"))
        for point, mode in asked
    ]  # fmt: skip
    for point, program in programs:
        code = run_through(program, signal.SIGTERM, signal.SIGINT)
        assert (code in {130, 143}) == (point != "finish"), program.err
        assert program.shown()["status"] == ("completed" if point == "finish" else "cancelled")
        assert program.left_over(2.0) == []
    assert local_violations(cli.home) == []
    resumed = [
        stubborn("", program=("-m", "dovetail", "run", "resume", program.run), HURRY="1")
        for point, program in programs
        if point != "finish"
    ]
    assert [program.end() for program in resumed] == [0] * len(resumed)
    assert local_violations(cli.home) == []
    tell(f"two signals at each of {len(asked)} moments of recording, none half recorded")

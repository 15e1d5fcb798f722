"""What the launcher makes of reports, and of attempts that left none."""

from __future__ import annotations

import pytest

from dovetail.components.orchestrator import StepEnd
from dovetail.execution.intake import report_without, timed
from dovetail.records.report import Reason, StepReport, StepTask
from dovetail.records.run import Status

TASK = StepTask(run_id="r", run_name="r", step="s", attempt="a", number=1, epoch=1, timeout=2.0)


def report(started: int, finished: int, duration: float) -> StepReport:
    return StepReport(
        format=1, run_id="r", step="s", attempt="a", number=1, epoch=1, status=Status.COMPLETED,
        reason=Reason.COMPLETED, started=started, finished=finished, duration=duration,
    )  # fmt: skip


def test_times_that_can_be_are_left_alone() -> None:
    true = report(1_000_000, 2_500_000, 1.5)
    assert timed(true, 1.6) is true


@pytest.mark.parametrize("duration", [-1.0, 3601.0])
def test_a_duration_that_cannot_be_is_that_of_the_launchers_clock(duration: float) -> None:
    mended = timed(report(1_000_000, 2_000_000, duration), 1.5)
    assert (mended.duration, mended.finished) == (1.5, 2_500_000)


def test_an_attempt_does_not_end_before_it_starts() -> None:
    mended = timed(report(5_000_000, 1_000_000, 1.0), 1.5)
    assert (mended.duration, mended.finished) == (1.0, 6_000_000)


@pytest.mark.parametrize(
    ("end", "message", "named"),
    [
        (StepEnd(Reason.TIMEOUT), "it ran longer than its timeout of 2 s", ["TimeoutError"]),
        (StepEnd(Reason.MEMORY, signal=9), "it was killed because memory ran out", ["MemoryError"]),
        (StepEnd(Reason.SIGNAL, signal=11), "its process was ended by SIGSEGV", []),
        (StepEnd(Reason.SIGNAL, signal=63), "its process was ended by signal 63", []),
        (StepEnd(Reason.COMPLETED, 0), "its process left with exit code 0 before the step returned", []),
        (StepEnd(Reason.LOST, detail="the supervisor died"), "the supervisor died", []),
        (StepEnd(Reason.LOST, detail="its parent died", signal=9), "its parent died", []),
    ],
)
def test_an_end_without_report_is_a_failure_that_says_how(
    end: StepEnd, message: str, named: list[str]
) -> None:
    made = report_without(TASK, end, 1_000_000, 0.5)
    assert (made.status, made.finished, made.duration) == (Status.FAILED, 1_500_000, 0.5)
    assert made.failure is not None
    assert made.failure.message == message
    assert made.failure.is_any_of(named) is bool(named)

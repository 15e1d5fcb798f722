"""A process that cannot store its report says why with its last words, and the launcher hears it."""

from __future__ import annotations

import pytest

from dovetail.components.orchestrator import StepEnd
from dovetail.errors import StoreError
from dovetail.execution.attempt.unreported import EXIT_CODE, Unreported, failure_without, last_words
from dovetail.records.report import Failure, Reason, StepReport
from dovetail.records.run import Status

FULL = StoreError("no space left: artifact store 's'", hint="free space there")


def _report(failure: Failure | None = None) -> StepReport:
    ended = (Status.FAILED, Reason.ERROR) if failure else (Status.COMPLETED, Reason.COMPLETED)
    return StepReport(
        format=1, run_id="r", step="s", attempt="a", number=1, epoch=1, status=ended[0], reason=ended[1],
        started=1, finished=2, duration=0.1, failure=failure,
    )  # fmt: skip


def _heard(report: StepReport, capsys: pytest.CaptureFixture[str], code: int = EXIT_CODE) -> Failure | None:
    last_words(report)
    words = "error: printed by the step\n" + capsys.readouterr().err
    return failure_without(StepEnd(Reason.EXIT, code, last_words=words))


def test_the_refusal_of_the_store_becomes_the_failure(capsys: pytest.CaptureFixture[str]) -> None:
    report = Unreported(_report(), FULL).report
    assert (report.status, report.reason) == (Status.FAILED, Reason.ERROR)
    heard = _heard(report, capsys)
    assert heard is not None
    assert (heard.text, heard.hint) == (FULL.message, FULL.hint)


def test_an_attempt_that_had_failed_before_keeps_its_own_reason(capsys: pytest.CaptureFixture[str]) -> None:
    failed = _report(Failure(type="ValueError", bases=("builtins.ValueError",), message="one\ntwo"))
    heard = _heard(Unreported(failed, FULL).report, capsys)
    assert heard is not None
    assert heard.text == "ValueError: one\ntwo"


def test_other_ends_have_no_last_words(capsys: pytest.CaptureFixture[str]) -> None:
    report = Unreported(_report(), FULL).report
    assert _heard(report, capsys, code=3) is None
    assert failure_without(StepEnd(Reason.EXIT, EXIT_CODE, last_words="nothing of the kind")) is None
    last_words(_report())
    assert capsys.readouterr().err == ""

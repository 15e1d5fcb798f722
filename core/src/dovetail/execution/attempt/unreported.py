"""What becomes of an attempt whose report cannot be stored: its process says so with its last words."""

from __future__ import annotations

import sys
from contextlib import suppress

from dovetail.components.orchestrator import StepEnd
from dovetail.errors import StoreError
from dovetail.execution.attempt.failure import failure_of
from dovetail.records.report import Failure, Reason, StepReport
from dovetail.records.run import Status

EXIT_CODE = 74
"""How the process of such an attempt leaves: EX_IOERR of sysexits.h."""

_ERROR, _HINT = "error: ", "hint: "


class Unreported(StoreError):  # noqa: N818 - what became of it, beside its cause
    """The store takes no report; `report` says what can be said without one, to whoever hears it."""

    def __init__(self, report: StepReport, cause: Exception) -> None:
        failure = failure_of(cause)
        super().__init__(failure.message, hint=failure.hint)
        changed = {"status": Status.FAILED, "reason": Reason.ERROR, "outputs": (), "failure": failure}
        # An attempt that failed before has another reason; the store is then only why nobody reads it.
        self.report = report.model_copy(update=changed) if report.status is Status.COMPLETED else report


def last_words(report: StepReport) -> None:
    """Say on standard error why an attempt failed that has no report, for `failure_without` to find."""
    if report.failure is None:
        return
    with suppress(OSError, ValueError):  # the step closed it
        sys.stderr.write(words_of(report.failure))
        sys.stderr.flush()


def words_of(failure: Failure) -> str:
    """Return what `failure_without` understands."""
    lines = [failure.traceback.rstrip()] if failure.traceback else []
    lines.append(f"{_ERROR}{failure.type}: {failure.message}")
    if failure.hint:
        lines.append(f"{_HINT}{failure.hint}")
    return "\n" + "\n".join(lines) + "\n"


def failure_without(end: StepEnd) -> Failure | None:
    """Return what the last words of a process that could not report say; None where it had none."""
    if end.exit_code != EXIT_CODE:
        return None
    _, found, said = f"\n{end.last_words}".rpartition(f"\n{_ERROR}")
    if not found:
        return None
    message, _, hint = said.strip().partition(f"\n{_HINT}")
    kind, _, message = message.partition(": ")
    return Failure(type=kind, bases=(kind,), message=message, hint=hint or None)

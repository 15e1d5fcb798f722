"""Faults of step operators."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.subprocess_step_operator import SubprocessStepOperator, SubprocessStepOperatorConfig
from dovetail.components.orchestrator import StepEnd
from dovetail.components.step_operator import StepOperator, StepSubmission
from dovetail.errors import NotFoundError
from dovetail.names import new_id
from dovetail.records.report import Reason
from dovetail.testing.faults import Faults
from dovetail.testing.step_operator import StepOperatorContract

_SIGNALLED = 128


def kit(faulty: type[Any], **settings: Any) -> type[Any]:
    """Return the contract on operators of this class."""

    class Subprocess(StepOperatorContract):
        @pytest.fixture
        def operator(self, tmp_path: Path) -> StepOperator:
            return faulty("mine", SubprocessStepOperatorConfig(**settings), home=tmp_path)

    return Subprocess


FAULTS = Faults(kit, StepOperatorContract, patience=10.0, processes=6)
CORRECT = SimpleNamespace(
    subprocess=kit(SubprocessStepOperator), detached=kit(SubprocessStepOperator, detached=True)
)


@FAULTS.plant(1, modelled_on="https://github.com/apache/airflow/issues/10021")
class StartsAgain(SubprocessStepOperator):
    """An attempt that is submitted again is made again."""

    def submit(self, submission: StepSubmission) -> str:
        return super().submit(replace(submission, attempt=new_id()))


@FAULTS.plant(1)
class LeavesOutVariables(SubprocessStepOperator):
    """The variables of an attempt are not set."""

    def submit(self, submission: StepSubmission) -> str:
        return super().submit(replace(submission, environment={}))


@FAULTS.plant(2, modelled_on="https://github.com/apache/airflow/issues/21900")
class KnowsOnlyItsOwn(SubprocessStepOperator):
    """A handle is of use only in the process that submitted it."""

    def attach(self, handle: str) -> None:
        raise NotFoundError(f"no attempt {handle!r}", hint="start anew")


@FAULTS.plant(2, modelled_on="https://github.com/apache/airflow/issues/12111")
class TakesAnyHandle(SubprocessStepOperator):
    """It attaches to what is not its own."""

    def attach(self, handle: str) -> None:
        """Take it."""


@FAULTS.plant(3, dependents={2, 5, 6})
class WaitsForTheEnd(SubprocessStepOperator):
    """Its wait has no time limit."""

    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        return super().wait(handle, timeout + 600.0)


@FAULTS.plant(3, dependents={5})
class TellsTheEndOnce(SubprocessStepOperator):
    """An end that it has told is lost when it is asked again."""

    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        told: set[str] = self.__dict__.setdefault("told", set())
        end = super().wait(handle, timeout)
        if end is not None and handle in told:
            return StepEnd(Reason.LOST)
        told.update([handle] if end else [])
        return end


@FAULTS.plant(4, modelled_on="https://github.com/cortexlabs/cortex/issues/1806")
class TakesASignalForAnExit(SubprocessStepOperator):
    """A signal is told as the exit code that a shell makes of it."""

    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        end = super().wait(handle, timeout)
        if end is None or end.signal is None or end.reason is not Reason.SIGNAL:
            return end
        return StepEnd(Reason.EXIT, exit_code=_SIGNALLED + end.signal)


@FAULTS.plant(4)
class TakesATimeoutForAnError(SubprocessStepOperator):
    """What was ended for its time has failed."""

    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        end = super().wait(handle, timeout)
        return replace(end, reason=Reason.ERROR) if end and end.reason is Reason.TIMEOUT else end


@FAULTS.plant(5, dependents={3})
class NeverCancels(SubprocessStepOperator):
    """A request to end is not heard."""

    def cancel(self, handle: str, grace: float) -> None:
        """Hear nothing."""


@FAULTS.plant(5)
class CancelsWithoutGrace(SubprocessStepOperator):
    """An attempt is killed before it was asked."""

    def cancel(self, handle: str, grace: float) -> None:
        super().cancel(handle, 0.0)


@FAULTS.plant(6, dependents={2}, modelled_on="https://github.com/apache/airflow/issues/39682")
class LosesTheLastLine(SubprocessStepOperator):
    """The log ends before its end."""

    def logs(self, handle: str, offset: int = 0) -> bytes:
        whole = super().logs(handle)
        return whole[: whole.rstrip(b"\n").rfind(b"\n") + 1][offset:]


@FAULTS.plant(6)
class LogsFromTheStart(SubprocessStepOperator):
    """The log is given whole, wherever it is asked for."""

    def logs(self, handle: str, offset: int = 0) -> bytes:
        return super().logs(handle)


@FAULTS.plant(7)
class TakesWhatItCannotGive(SubprocessStepOperator):
    """An attempt runs without the GPU it asked for."""

    def submit(self, submission: StepSubmission) -> str:
        return super().submit(replace(submission, resources={}))


@FAULTS.plant(2)
class GoesWithItsSubmitter(SubprocessStepOperator):
    """It declares that attempts outlive their submitter, and they do not."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.detached = True

    def submit(self, submission: StepSubmission) -> str:
        self.detached = False
        try:
            return super().submit(submission)
        finally:
            self.detached = True

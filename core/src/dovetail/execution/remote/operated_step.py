"""An attempt that a step operator makes, as the launcher holds it: like a process of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from dovetail.components.orchestrator import StepEnd
from dovetail.components.step_operator import StepOperator
from dovetail.errors import DovetailError
from dovetail.execution.attempt.failure import failure_of
from dovetail.execution.attempt.unreported import EXIT_CODE, words_of
from dovetail.execution.processes.log_file import LogFile
from dovetail.records.report import Reason, StepTask

_SOONEST, _LATEST = 0.02, 2.0
_PATIENCE = 60.0


class OperatedStep:
    """Implements `dovetail.components.orchestrator.StepProcess`.

    The operator is asked often at first, and less often the longer the attempt goes on. `echo` gets what it
    writes, as far as `log` has not got it already.
    """

    def __init__(
        self,
        task: StepTask,
        operator: StepOperator,
        handle: str,
        log: LogFile,
        echo: Callable[[bytes], None],
    ) -> None:
        self.task = task
        self.handle = handle
        self.log = log
        self.ended: StepEnd | None = None
        self._operator = operator
        self._echo = echo
        self._read = 0
        self._reason: Reason | None = None
        self._began = time.monotonic()
        self._next = 0.0
        self._trouble_since: float | None = None

    def poll(self) -> StepEnd | None:
        """Return how it ended, None while it runs; asks the operator when that is due."""
        if self.ended is None and time.monotonic() >= self._next:
            try:
                end = self._operator.wait(self.handle, 0.0)
                self._follow()
                self._trouble_since = None
            except Exception as error:  # noqa: BLE001 - the border around a plugin
                end = self._in_trouble(error)
            age = time.monotonic() - self._began
            self._next = time.monotonic() + min(_LATEST, max(_SOONEST, age / 20))
            if end is not None:
                self._close(end)
        return self.ended

    def due(self) -> float:
        """Return in how many seconds the operator is to be asked again."""
        return max(0.0, self._next - time.monotonic())

    def cancel(self, grace: float, reason: Reason = Reason.CANCELLED) -> None:
        """Ask it to end, and make it end after `grace` seconds; returns at once."""
        if self.ended is not None:
            return
        self._reason = reason
        self._began, self._next = time.monotonic(), 0.0
        with suppress(Exception):  # the border around a plugin; `poll` meets the same trouble, and says so
            self._operator.cancel(self.handle, grace)

    def _follow(self) -> None:
        data = self._operator.logs(self.handle, self._read)
        if data:
            self._read += len(data)
            self._echo(self.log.write(data))

    def _in_trouble(self, error: Exception) -> StepEnd | None:
        """Be patient with an operator that cannot be asked, for a while."""
        self._trouble_since = self._trouble_since or time.monotonic()
        if time.monotonic() - self._trouble_since < _PATIENCE:
            return None
        return StepEnd(Reason.LOST, detail=f"its step operator cannot be asked any more: {_text(error)}")

    def _close(self, end: StepEnd) -> None:
        if self._reason is not None and end.reason is not Reason.COMPLETED:
            end = replace(end, reason=self._reason)
        self._echo(self.log.flush())
        self.log.close()
        self.ended = end


class RefusedStep:
    """An attempt that its operator did not take, or that could not be made ready: it has ended with that."""

    def __init__(self, task: StepTask, error: Exception) -> None:
        self.task = task
        said = words_of(failure_of(error))
        self.ended = StepEnd(Reason.ERROR, exit_code=EXIT_CODE, last_words=said)

    def poll(self) -> StepEnd:
        """Return why."""
        return self.ended

    def cancel(self, grace: float, reason: Reason = Reason.CANCELLED) -> None:
        """Do nothing: there is nothing."""


def _text(error: Exception) -> str:
    return error.message if isinstance(error, DovetailError) else f"{type(error).__name__}: {error}"

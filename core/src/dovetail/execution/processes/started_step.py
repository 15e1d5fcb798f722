"""A started step as the launcher holds it, and what its process is started from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dovetail.components.orchestrator import StepEnd
from dovetail.records.report import Reason, StepTask

_PIECE = 1 << 16
_MOST_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """What every process of a pool is started from; see `dovetail.execution.processes.ProcessPool`."""

    source_root: str
    log_directory: str
    log_limit: int
    script: str | None
    modules: list[str]
    sys_path: list[str]
    worker: str
    grace: float
    import_limit: float
    argv: list[str]


class StartedStep:
    """Implements `dovetail.components.orchestrator.StepProcess`.

    `look` takes in what has happened; `end` asks the process to end. `written` is how far the log is
    known to reach.
    """

    def __init__(
        self,
        task: StepTask,
        look: Callable[[], None],
        end: Callable[[StartedStep, float, str], None],
        log: str,
    ) -> None:
        self.task = task
        self.pid: int | None = None
        self.ended: StepEnd | None = None
        self.written = 0
        self._look = look
        self._end = end
        self._log = log
        self._shown = 0

    def poll(self) -> StepEnd | None:
        """Return how it ended, None while it runs."""
        if self.ended is None:
            self._look()
        return self.ended

    def cancel(self, grace: float, reason: Reason = Reason.CANCELLED) -> None:
        """Ask it to end, and make it end after `grace` seconds; returns at once."""
        if self.ended is None:
            self._end(self, grace, reason.value)

    def show(self, echo: Callable[[str, bytes], None] | None) -> None:
        """Pass on what was written since the last time; of very much only the end: no run waits for it."""
        if echo is None or self._shown >= self.written:
            return
        if (too_much := self.written - self._shown - _MOST_AT_ONCE) > 0:
            self._shown += too_much
            echo(self.task.attempt, b"\n[%d bytes are not shown here, only kept]\n" % too_much)
        with Path(self._log).open("rb") as file:
            file.seek(self._shown)
            while self._shown < self.written:
                data = file.read(min(_PIECE, self.written - self._shown))
                if not data:
                    break
                self._shown += len(data)
                echo(self.task.attempt, data)

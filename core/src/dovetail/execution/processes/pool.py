"""The pool: processes for the steps of one run, however this platform starts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from dovetail.errors import ConfigurationError, UsageError
from dovetail.execution.processes.spawned import Spawned
from dovetail.execution.processes.started_step import StartedStep, Startup
from dovetail.execution.processes.step_process import WORKER
from dovetail.execution.processes.supervised import Supervised
from dovetail.records.report import StepTask

START_METHOD = "DOVETAIL_START_METHOD"
Mode = Literal["fork", "spawn", "auto"]


class _Way(Protocol):
    """How processes are started: under a supervisor, or plainly."""

    notes: list[str]

    def give(self, job_path: str, log_directory: str, grace: float) -> None: ...

    def start(self, step: StartedStep, variables: Mapping[str, str], *, fresh: bool) -> None: ...

    def end(self, step: StartedStep, grace: float, reason: str) -> None: ...

    def wait(self, timeout: float | None) -> list[StartedStep]: ...

    def wake(self) -> None: ...

    def close(self, grace: float) -> None: ...


@dataclass(kw_only=True, eq=False)
class ProcessPool:
    """Starts steps, tells how they ended, and ends what is left when it is closed.

    Construction returns at once, while the warm process begins to import `modules` and the script (both
    as found from `source_root`, where `script` is relative to, and `sys_path`). One thread uses it, but
    `wake` may be called from any and from signal handlers. `echo` is called within `wait` and `poll`, with
    the attempt's id and what it wrote since the last call. `notes` are for people: why steps start fresh.

    Mode `fork` needs Linux; `spawn` starts a plain interpreter per step; `auto` takes what is there, or
    what DOVETAIL_START_METHOD says.
    """

    source_root: Path
    log_directory: Path
    log_limit: int
    script: str | None = None
    modules: Sequence[str] = ()
    sys_path: Sequence[str] = ()
    max_workers: int = 1
    mode: Mode = "auto"
    echo: Callable[[str, bytes], None] | None = None
    worker: str = WORKER
    grace: float = 5.0
    import_limit: float = 300.0
    _given: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Start what has to be started first."""
        startup = Startup(
            source_root=str(self.source_root.absolute()),
            log_directory=str(self.log_directory.absolute()), log_limit=self.log_limit,
            script=self.script, modules=list(self.modules), sys_path=list(self.sys_path),
            worker=self.worker, grace=self.grace, import_limit=self.import_limit, argv=list(sys.argv),
        )  # fmt: skip
        self._way: _Way = Supervised(startup) if start_method(self.mode) == "fork" else Spawned(startup)

    @property
    def notes(self) -> list[str]:
        """Return what people should know about how steps start; it only grows."""
        return self._way.notes

    def give(self, job_path: Path, log_directory: Path | None = None, *, grace: float | None = None) -> None:
        """Name the job file, and where logs go from now on if not where they did; steps start from now on.

        `grace` is how many seconds a timeout leaves them to end by themselves, if not what it was.
        """
        self._given = True
        self.log_directory = (log_directory or self.log_directory).absolute()
        self.grace = self.grace if grace is None else grace
        self._way.give(str(job_path.absolute()), str(self.log_directory), self.grace)

    def start(
        self, task: StepTask, *, variables: Mapping[str, str] | None = None, fresh: bool = False
    ) -> StartedStep:
        """Make the attempt in a process of its own; returns at once.

        A step with environment `variables` starts in a fresh interpreter, as does one that is `fresh`.

        Raises:
            RunError: the supervisor has died.
        """
        if not self._given:
            raise UsageError("a step was started before the pool was given a job")
        step = StartedStep(task, self._look, self._end_step, str(self.log_directory / f"{task.attempt}.log"))
        self._way.start(step, variables or {}, fresh=fresh or bool(variables))
        return step

    def wait(self, timeout: float | None) -> None:
        """Return when a process has ended or wrote something, after `wake`, or after `timeout` seconds."""
        for step in self._way.wait(timeout):
            step.show(self.echo)

    def wake(self) -> None:
        """End a `wait`."""
        self._way.wake()

    def close(self, grace: float = 0.0) -> None:
        """End every process, after `grace` seconds by force; a second call does nothing."""
        self._way.close(grace)

    def _look(self) -> None:
        self.wait(0.0)

    def _end_step(self, step: StartedStep, grace: float, reason: str) -> None:
        self._way.end(step, grace, reason)


def start_method(mode: Mode) -> str:
    """Return `fork` or `spawn`.

    Raises:
        ConfigurationError: the variable holds something else, or fork was asked for where it cannot be.
    """
    asked = os.environ.get(START_METHOD, "auto") if mode == "auto" else mode
    if asked not in {"fork", "spawn", "auto"}:
        raise ConfigurationError(f"{START_METHOD} is {asked!r}", hint="set it to fork, spawn or auto")
    able = sys.platform == "linux" and hasattr(os, "fork") and hasattr(os, "pidfd_open")
    if asked == "fork" and not able:
        raise ConfigurationError(
            "start method 'fork' was asked for, which needs Linux",
            hint=f"unset {START_METHOD}, or set it to spawn",
        )
    return "fork" if able and asked != "spawn" else "spawn"

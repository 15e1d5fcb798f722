"""Orchestrators: where and when the steps of a run execute."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from dovetail.components.component import Component
from dovetail.records.plan import Plan
from dovetail.records.report import Reason, StepTask


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step's process ended, as far as one can see from outside; the report says the rest.

    `last_words` is the end of what it wrote, where that is at hand: a process that cannot store its report
    says why there.
    """

    reason: Reason
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    last_words: str = ""


class StepProcess(Protocol):
    """A step that runs in a process of this machine."""

    task: StepTask

    def poll(self) -> StepEnd | None:
        """Return how it ended, None while it runs."""

    def cancel(self, grace: float, reason: Reason = Reason.CANCELLED) -> None:
        """Ask it to end, and make it end after `grace` seconds; returns at once."""


class StepLauncher(Protocol):
    """What an orchestrator gets from the launcher. It knows the graph, the cache, retries and reports.

    `take` gives out steps whose upstream reports are in, each with a task; every task taken is ended by
    exactly one call of `ended`, after which further steps may be ready. To execute a task choose one of
    `call` (in this process), `start` (a process of this machine) and `command` (somewhere else).
    """

    plan: Plan

    @property
    def max_workers(self) -> int:
        """Return how many attempts may be out at once."""

    @property
    def in_process(self) -> bool:
        """Say whether steps are to be called in this process."""

    @property
    def finished(self) -> bool:
        """Say whether no step is left to take and none is out."""

    def take(self, limit: int) -> Sequence[StepTask]:
        """Return at most `limit` tasks to start now; cached and skipped steps are settled on the way."""

    def next_due(self) -> float | None:
        """Return in how many seconds a step that waits for its retry will be ready, None if none waits."""

    def call(self, task: StepTask) -> StepEnd:
        """Make the attempt in this process and thread; returns when it has ended."""

    def start(self, task: StepTask) -> StepProcess:
        """Make the attempt in a process of this machine; returns at once."""

    def wait(self, timeout: float | None) -> None:
        """Return when a started process has ended, or after `timeout` seconds, or on a cancel request."""

    def command(self, task: StepTask) -> Sequence[str]:
        """Return a command line that makes the attempt where code, plan and artifact store can be reached."""

    def ended(self, task: StepTask, end: StepEnd) -> None:
        """Say that the attempt is over; the launcher takes in its report, or records why there is none."""


class Orchestrator(Component):
    """Runs the steps of a plan.

    An implementation owes:

    1. A step starts only after `take` gave its task out.
    2. At most one live attempt of a step at a time.
    3. Steps that are ready at the same time run at the same time, up to `max_workers`.
    4. `poll` returns within about its timeout, and at once when something has ended.
    5. After `cancel` nothing that it started runs any more once the grace time has passed.
    6. Every task it took is given back through `ended` exactly once.
    7. The handle is text from which `attach`, in another process, goes on where this one stopped; an
       orchestrator whose work dies with the launcher says so by `detached = False`.
    """

    type: ClassVar[str] = "orchestrator"
    detached: ClassVar[bool] = False
    schedules: ClassVar[bool] = False

    @abstractmethod
    def submit(self, run_id: str, steps: StepLauncher) -> str:
        """Begin a run; return its handle."""

    @abstractmethod
    def poll(self, handle: str, timeout: float) -> bool:
        """Start what is ready, wait up to `timeout` seconds, take in what ended; say whether it goes on."""

    @abstractmethod
    def cancel(self, handle: str, grace: float) -> None:
        """End everything that was started; ask first, insist after `grace` seconds."""

    @abstractmethod
    def attach(self, handle: str, steps: StepLauncher) -> None:
        """Take over a run that another process submitted."""

"""How attempts are made: what the dispatcher asks of the workers of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dovetail.components.orchestrator import StepProcess
from dovetail.records.report import StepReport, StepTask


class Workers(Protocol):
    """The ways to make an attempt that the launcher offers to an orchestrator."""

    def call(self, task: StepTask) -> StepReport:
        """Make the attempt in this process."""

    def start(self, task: StepTask) -> StepProcess:
        """Make the attempt in a process of this machine."""

    def wait(self, timeout: float | None) -> None:
        """Return when a process has ended or after the timeout."""

    def command(self, task: StepTask) -> Sequence[str]:
        """Return the command line that makes the attempt."""

    def ended(self, task: StepTask) -> None:
        """Tidy up after an attempt."""

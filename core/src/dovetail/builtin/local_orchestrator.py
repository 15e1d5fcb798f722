"""The local orchestrator: steps in processes of this machine, or in the launcher's own."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from dovetail.plugin import ComponentConfig, Orchestrator, Reach, Reason, StepLauncher, StepProcess


class LocalOrchestratorConfig(ComponentConfig):
    """Settings of the `local` orchestrator."""

    max_workers: int | None = Field(
        default=None, ge=1, description="Steps at the same time; default: the cores."
    )
    grace: float = Field(
        default=10.0, ge=0, description="Seconds that a step gets to end by itself when it is asked to."
    )


class LocalOrchestrator(Orchestrator):
    """Runs each step in its own process, as many at once as the graph and `max_workers` allow."""

    config_class: ClassVar[type[ComponentConfig]] = LocalOrchestratorConfig
    reach = Reach.HOST

    _steps: StepLauncher
    _running: list[StepProcess]

    def submit(self, run_id: str, steps: StepLauncher) -> str:
        """Begin a run; its handle is its id, for the work dies with this process."""
        self._steps, self._running = steps, []
        return run_id

    def attach(self, handle: str, steps: StepLauncher) -> None:
        """Take over a run whose processes have died with their launcher: there are none to take over."""
        self.submit(handle, steps)

    def poll(self, handle: str, timeout: float) -> bool:
        """Start what is ready, wait for an end, take in what ended."""
        del handle
        if self._steps.in_process:
            return self._call_next(timeout)
        free = self._steps.max_workers - len(self._running)
        for task in self._steps.take(free) if free else ():
            self._running.append(self._steps.start(task))
        if self._running or self._steps.next_due() is not None:
            self._steps.wait(self._patience(timeout))
            self._collect()
        return not self._steps.finished

    def cancel(self, handle: str, grace: float) -> None:
        """Ask every step to end; the supervisor insists after `grace` seconds."""
        del handle
        for process in self._running:
            process.cancel(grace, Reason.CANCELLED)

    def _call_next(self, timeout: float) -> bool:
        tasks = self._steps.take(1)
        for task in tasks:
            self._steps.ended(task, self._steps.call(task))
        if not tasks and self._steps.next_due() is not None:
            self._steps.wait(self._patience(timeout))
        return not self._steps.finished

    def _collect(self) -> None:
        still = []
        for process in self._running:
            end = process.poll()
            if end is None:
                still.append(process)
            else:
                self._steps.ended(process.task, end)
        self._running = still

    def _patience(self, timeout: float) -> float:
        # Without a free place a step that is due for its retry waits for an end, like any other.
        free = self._steps.in_process or len(self._running) < self._steps.max_workers
        due = self._steps.next_due() if free else None
        return timeout if due is None else min(timeout, due)

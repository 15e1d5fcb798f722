"""Faults of orchestrators."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.local_orchestrator import LocalOrchestrator, LocalOrchestratorConfig
from dovetail.components.orchestrator import Orchestrator, StepEnd, StepLauncher
from dovetail.records.report import Reason, StepTask
from dovetail.testing.faults import Faults
from dovetail.testing.orchestrator import OrchestratorContract


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on orchestrators of this class."""

    class Local(OrchestratorContract):
        @pytest.fixture
        def orchestrator(self, tmp_path: Path) -> Orchestrator:
            return faulty("mine", LocalOrchestratorConfig(), home=tmp_path)

    return Local


FAULTS = Faults(kit, OrchestratorContract, patience=6.0, processes=6)
CORRECT = SimpleNamespace(local=kit(LocalOrchestrator))


@FAULTS.plant(1, dependents={2, 5, 6, 7}, modelled_on="https://github.com/apache/airflow/issues/34105")
class TakesABadEndForAGoodOne(LocalOrchestrator):
    """What depends on a failed step is started all the same."""

    def submit(self, run_id: str, steps: StepLauncher) -> str:
        return super().submit(run_id, _Told(steps, lambda _: StepEnd(Reason.COMPLETED, exit_code=0)))


class _Told:
    """A step launcher that hears of ends what it is told."""

    def __init__(self, steps: StepLauncher, tell: Any) -> None:
        self._steps = steps
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._steps, name)

    def ended(self, task: StepTask, end: StepEnd) -> None:
        if (told := self._tell(end)) is not None:
            self._steps.ended(task, told)


@FAULTS.plant(1, dependents={2, 3, 4, 5, 6, 7}, modelled_on="https://github.com/apache/airflow/issues/33282")
class ReportsBeforeTheEnd(LocalOrchestrator):
    """A step counts as ended as soon as it is started."""

    def poll(self, handle: str, timeout: float) -> bool:
        if self._steps.in_process:
            return super().poll(handle, timeout)
        for task in self._steps.take(self._steps.max_workers):
            self._running.append(self._steps.start(task))
            self._steps.ended(task, StepEnd(Reason.COMPLETED, exit_code=0))
        time.sleep(0.01)
        return not self._steps.finished


@FAULTS.plant(2, dependents={1, 3, 4, 5, 6, 7}, modelled_on="https://github.com/apache/airflow/issues/23520")
class StartsTwice(LocalOrchestrator):
    """A step that is out is started a second time."""

    def submit(self, run_id: str, steps: Any) -> str:
        return super().submit(run_id, _Twice(steps))


class _Twice:
    def __init__(self, steps: Any) -> None:
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._steps, name)

    def start(self, task: StepTask) -> Any:
        self._steps.start(task)
        return self._steps.start(task)

    def call(self, task: StepTask) -> Any:
        self._steps.call(task)
        return self._steps.call(task)


@FAULTS.plant(3, dependents={5}, modelled_on="https://github.com/dagucloud/dagu/issues/1619")
class OneAtATime(LocalOrchestrator):
    """Steps that could run side by side run one after the other."""

    def poll(self, handle: str, timeout: float) -> bool:
        if self._steps.in_process:
            return super().poll(handle, timeout)
        if not self._running:
            self._running += [self._steps.start(task) for task in self._steps.take(1)]
        self._steps.wait(self._patience(timeout))
        self._collect()
        return not self._steps.finished


@FAULTS.plant(3, modelled_on="https://github.com/flyteorg/flyte/issues/3883")
class MoreThanMayBe(LocalOrchestrator):
    """More steps run than `max_workers` says."""

    def poll(self, handle: str, timeout: float) -> bool:
        if not self._steps.in_process:
            self._running += [self._steps.start(task) for task in self._steps.take(10)]
        return super().poll(handle, timeout)


@FAULTS.plant(4, dependents={2, 3, 5}, modelled_on="https://github.com/dagster-io/dagster/issues/28492")
class WaitsForAnEnd(LocalOrchestrator):
    """While a step runs, `poll` does not come back, whatever its timeout."""

    def _patience(self, timeout: float) -> float:
        return 120.0


@FAULTS.plant(4, dependents={2})
class SleepsItsTimeout(LocalOrchestrator):
    """`poll` sleeps its timeout, also when a step has long ended."""

    def poll(self, handle: str, timeout: float) -> bool:
        going = super().poll(handle, 0.0)
        if self._running or timeout > 1:
            time.sleep(timeout)
            self._collect()
        return going and not self._steps.finished


@FAULTS.plant(5, dependents={4}, modelled_on="https://github.com/PrefectHQ/prefect/issues/7732")
class ForgetsWhatRuns(LocalOrchestrator):
    """After `cancel` the run is over, and its steps go on."""

    def cancel(self, handle: str, grace: float) -> None:
        for process in self._running:
            self._steps.ended(process.task, StepEnd(Reason.CANCELLED))
        self._running = []


@FAULTS.plant(5)
class AsksAndNeverInsists(LocalOrchestrator):
    """A step that does not obey is asked for ever."""

    def cancel(self, handle: str, grace: float) -> None:
        super().cancel(handle, 1000.0)


@FAULTS.plant(
    6, dependents={1, 2, 3, 4, 5, 7}, modelled_on="https://github.com/dagster-io/dagster/issues/17403"
)
class LosesWhatWasKilled(LocalOrchestrator):
    """The end of a step that was killed is never told."""

    def submit(self, run_id: str, steps: StepLauncher) -> str:
        return super().submit(run_id, _Told(steps, lambda end: None if end.reason is Reason.SIGNAL else end))


@FAULTS.plant(6, modelled_on="https://github.com/dagster-io/dagster/issues/8567")
class KnowsNoReason(LocalOrchestrator):
    """How a step ended is lost: killed looks like failed."""

    def submit(self, run_id: str, steps: StepLauncher) -> str:
        def tell(end: StepEnd) -> StepEnd:
            return StepEnd(Reason.EXIT, exit_code=1) if end.reason is Reason.SIGNAL else end

        return super().submit(run_id, _Told(steps, tell))


@FAULTS.plant(7)
class HandsOutAnObject(LocalOrchestrator):
    """The handle is an object of this process."""

    def submit(self, run_id: str, steps: StepLauncher) -> Any:
        super().submit(run_id, steps)
        return SimpleNamespace(run=run_id)


@FAULTS.plant(7)
class AttachesToNothing(LocalOrchestrator):
    """Who attaches has nothing left to do."""

    def attach(self, handle: str, steps: StepLauncher) -> None:
        self._steps, self._running = (
            SimpleNamespace(in_process=True, take=lambda _: (), next_due=lambda: None),
            [],
        )
        self._steps.finished = True

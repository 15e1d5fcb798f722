"""Where attempts are made on this machine: in this process, or in processes under the supervisor."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from dovetail.components.orchestrator import StepProcess
from dovetail.errors import IntegrationError, PlanError
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.attempt.step_runner import Worker
from dovetail.execution.attempt.unreported import Unreported
from dovetail.execution.attempt.variables import plain_variables
from dovetail.execution.hygiene import Hygiene
from dovetail.execution.intake import read_report, report_without
from dovetail.execution.output import Capture
from dovetail.execution.processes.pool import ProcessPool
from dovetail.execution.progress import Progress
from dovetail.execution.remote.operating import Operating
from dovetail.execution.scratch import Scratch, write_scratch
from dovetail.records.plan import Plan
from dovetail.records.record import now
from dovetail.records.report import StepReport, StepTask, log_directory, log_path
from dovetail.records.run import RunRecord
from dovetail.references import reference_to
from dovetail.stacks.profile_store import active_profile_name
from dovetail.stacks.secret_lookup import secrets_manager_record
from dovetail.stacks.stack import USED_BY_STEPS, LiveStack

LOG_LIMIT = 64 << 20
_BETWEEN = 0.05


@dataclass(slots=True)
class WorkerSetting:
    """Where the steps' code is: what a process must import, and the pool that has begun to import it.

    `scratch` is a directory of the run's own on this machine, removed by `close`. `idle` names the steps
    that will not be attempted. `debugger` is called with what a step in this process raises; what such a
    step writes is not captured.
    """

    source_root: Path
    script: str | None = None
    modules: tuple[str, ...] = ()
    sys_path: tuple[str, ...] = ()
    pool: ProcessPool | None = None
    scratch: Scratch | None = None
    idle: frozenset[str] = frozenset()
    debugger: Callable[[BaseException], None] | None = None

    def directory(self) -> Path:
        """Return the scratch directory, made when first asked for."""
        if self.scratch is None:
            self.scratch = Scratch()
        return self.scratch.path

    def open_pool(self) -> ProcessPool:
        """Start the supervisor, unless that is done, and let it begin to import the steps' code."""
        if self.pool is None:
            self.pool = ProcessPool(
                source_root=self.source_root,
                script=self.script,
                modules=self.modules,
                sys_path=self.sys_path,
                log_directory=self.directory(),
                log_limit=LOG_LIMIT,
            )
        return self.pool

    def close(self) -> None:
        """End every process that is left and remove the scratch directory."""
        if self.pool is not None:
            self.pool.close(grace=0.0)
            self.pool = None
        if self.scratch is not None:
            self.scratch.close()
            self.scratch = None


class LocalWorkers:
    """The ways of this machine to make an attempt, for one run; nothing is started before it is needed."""

    max_workers = 1

    def __init__(
        self,
        run: RunRecord,
        plan: Plan,
        stack: LiveStack,
        setting: WorkerSetting,
        live: Mapping[str, Any],
        progress: Progress,
    ) -> None:
        self.job = Job(
            format=1,
            run_id=run.id,
            run_name=run.name,
            plan=plan,
            components={
                each: worker_component(stack, each) for each in USED_BY_STEPS if stack.get(each) is not None
            }
            | secrets_component(stack),
            source_root=str(setting.source_root),
            script=setting.script,
            sys_path=setting.sys_path,
            idle=setting.idle,
            profile=active_profile_name(),
        )
        self._stack = stack
        self._setting = setting
        self._live = live
        self._progress = progress
        self._steps = {step.name: step for step in plan.steps}
        self._attempts: dict[str, str] = {}
        self._worker: Worker | None = None
        self._capture: Capture | None = None
        self._hygiene: Hygiene | None = None
        self._pool = setting.pool
        self._pool_knows = False
        self._log_directory: Path | None = None
        self._notes = 0
        self.operating = Operating(self.job, stack, setting.directory, progress)

    def __enter__(self) -> Self:
        """Return the workers themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the capture and every process that is left."""
        if self._capture is not None:
            self._capture.close()
        if self._hygiene is not None:
            self._hygiene.close()
        self.operating.close()
        self._setting.close()

    def wake(self) -> None:
        """End a wait."""
        if self._pool is not None:
            self._pool.wake()

    def call(self, task: StepTask) -> StepReport:
        """Make the attempt in this process, its output captured into its log; or where its operator does."""
        if self._steps[task.step].options.step_operator:
            return self._call_operator(task)
        if self._worker is None:
            job, store = self._placed_job(), self._stack.artifact_store
            self._worker = Worker.prepare(job, live=self._live, store=store)
            self._worker.debugger = self._setting.debugger
            self._capture = Capture(
                self._stack.artifact_store, self._progress.output, note=self._progress.note
            )
            self._hygiene = Hygiene(self._progress.note, self._capture.descriptors)
        assert self._capture is not None  # noqa: S101 - made together with the worker
        assert self._hygiene is not None  # noqa: S101 - the same
        try:
            if self._setting.debugger is not None:  # it talks to a person by the streams of this process
                return self._worker.run(task)
            with self._capture.attempt(task):
                return self._hygiene.call(task.step, partial(self._worker.run, task))
        except Unreported as error:
            return error.report

    def start(self, task: StepTask) -> StepProcess:
        """Make the attempt in a process under the supervisor, or by the operator that the step names."""
        step = self._steps[task.step]
        if step.source.path is None and step.source.module == "__main__":
            raise PlanError(
                f"step {task.step!r} was defined interactively and exists in this process only",
                hint="run with in_process=True, or put the step into a module",
            )
        if step.options.step_operator:
            return self.operating.start(task)
        self._attempts[task.attempt] = task.step
        fresh = bool(step.options.environment.get("variables"))
        return self._ready_pool().start(task, variables=plain_variables(step), fresh=fresh)

    def wait(self, timeout: float | None) -> None:
        """Return when a process has ended or after the timeout; pass on what people should know."""
        if self.operating.busy():  # operators are asked in between, and no process makes them wait
            self.operating.wait(_BETWEEN if self._attempts or timeout is None else timeout)
            timeout = 0.0
        if self._pool is None:
            time.sleep(timeout or 0.0)
            return
        self._pool.wait(timeout)
        for note in self._pool.notes[self._notes :]:
            self._progress.note(note)
        self._notes = len(self._pool.notes)

    def command(self, task: StepTask) -> Sequence[str]:
        """Return a command line that makes the attempt wherever the artifact store can be reached."""
        return self.operating.command(task)

    def ended(self, task: StepTask) -> None:
        """Put the log of an attempt into a store that could not hold it while it grew."""
        self.operating.ended(task)
        self._attempts.pop(task.attempt, None)
        if self._pool is None or self._log_directory is not None:
            return
        log = self._pool.log_directory / f"{task.attempt}.log"
        if log.is_file():
            with (
                self._stack.artifact_store.create(log_path(task.run_id, task.attempt)) as stream,
                log.open("rb") as file,
            ):
                shutil.copyfileobj(file, stream)
            log.unlink()

    def _call_operator(self, task: StepTask) -> StepReport:
        """Wait for an attempt that is made elsewhere, as long as nobody interrupts."""
        began, clock = now(), time.monotonic()
        process = self.start(task)
        try:
            while process.poll() is None:
                self.operating.wait(_BETWEEN)
        except KeyboardInterrupt:
            process.cancel(getattr(self._stack.orchestrator.config, "grace", 0.0))
            while process.poll() is None:
                self.operating.wait(_BETWEEN)
        end = process.poll()
        assert end is not None  # noqa: S101 - the loops above
        report = read_report(self._stack.artifact_store, task)
        return report or report_without(task, end, began, time.monotonic() - clock)

    def _ready_pool(self) -> ProcessPool:
        if self._pool is None:
            self._pool = self._setting.open_pool()
        if not self._pool_knows:
            self._pool_knows = True
            self._pool.echo = self._echo
            self._log_directory = self._stack.artifact_store.log_directory(log_directory(self.job.run_id))
            grace = getattr(self._stack.orchestrator.config, "grace", None)
            self._pool.give(self._job_file(), self._log_directory, grace=grace)
        return self._pool

    def _job_file(self) -> Path:
        path = self._setting.directory() / "job.json"
        if not path.exists():
            write_scratch(path, self._placed_job().to_json())
        return path

    def _placed_job(self) -> Job:
        """Return the job with the place where its steps keep what they need for a while only."""
        return self.job.model_copy(update={"scratch": str(self._setting.directory())})

    def _echo(self, attempt: str, data: bytes) -> None:
        self._progress.output(self._attempts.get(attempt, "?"), data)


def worker_component(stack: LiveStack, kind: str) -> WorkerComponent:
    """Return what a step's process needs to build this component of the stack."""
    component = stack.components[kind]
    return WorkerComponent(
        record=stack.record.components[kind],
        config=reference_to(type(component.config)),
        implementation=reference_to(type(component)),
        home=str(component.home),
    )


def secrets_component(stack: LiveStack) -> dict[str, WorkerComponent]:
    """Return what a step's process needs to look up secrets; nothing of the wheel is imported by that."""
    record = secrets_manager_record(stack.record)
    try:
        _, flavor = stack.index.resolve(record.type, record.flavor)
    except IntegrationError:  # only who asks for a secret need hear of it
        return {}
    return {
        record.type: WorkerComponent(
            record=record,
            config=flavor.config,
            implementation=flavor.implementation,
            home=str(stack.home),
        )
    }

"""Operating: the steps of one run that go to the step operator of its stack, and what they need there."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.components.step_operator import StepOperator, StepSubmission
from dovetail.errors import ArtifactError, NotFoundError
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.attempt.variables import plain_variables
from dovetail.execution.processes.log_file import LogFile
from dovetail.execution.progress import Progress
from dovetail.execution.remote.errand import Errand
from dovetail.execution.remote.operated_step import OperatedStep, RefusedStep
from dovetail.execution.remote.requirement import step_wheels
from dovetail.records.record import Record
from dovetail.records.report import (
    StepTask,
    handle_path,
    job_path,
    log_directory,
    log_path,
    task_path,
)
from dovetail.references import load
from dovetail.stacks.stack import LiveStack

_TRAVELS = "dovetail.execution.remote.travelling_code:store_code"
"""Loaded with the first step that goes elsewhere: others need no ignore rules and no archives."""

Started = OperatedStep | RefusedStep


class Submitted(Record):
    """What the artifact store keeps of an attempt with an operator, for whoever goes on with the run."""

    operator: str
    flavor: str
    handle: str


class Operating:
    """Hands attempts to the operator, one run long. `place` gives a directory of this machine for logs."""

    def __init__(self, job: Job, stack: LiveStack, place: Callable[[], Path], progress: Progress) -> None:
        self._job = job.model_copy(update={"components": dict(_homeless(job, stack))})
        self._stack = stack
        self._store: ArtifactStore = stack.artifact_store
        self._place = place
        self._progress = progress
        self._steps = {step.name: step for step in job.plan.steps}
        self._ready: set[int] = set()
        self._running: dict[str, OperatedStep] = {}

    @property
    def operator(self) -> StepOperator:
        """Return the operator of the stack."""
        found = self._stack.get("step_operator")
        if not isinstance(found, StepOperator):
            raise NotFoundError(f"stack {self._stack.name!r} has no step operator", hint="add one to it")
        return found

    def start(self, task: StepTask) -> Started:
        """Hand an attempt over, or go on with one that was; what is refused is an attempt that has ended."""
        try:
            handle = self._handle(task) or self._submit(task)
        except Exception as error:  # noqa: BLE001 - the border around a plugin
            return RefusedStep(task, error)
        folder = self._store.log_directory(log_directory(task.run_id)) or self._place()
        path = folder / f"{task.attempt}.log"
        there = path.stat().st_size if path.exists() else 0
        started = OperatedStep(
            task,
            self.operator,
            handle,
            LogFile(str(path), 64 << 20, there),
            lambda data: self._progress.output(task.step, data),
        )
        self._running[task.attempt] = started
        return started

    def busy(self) -> bool:
        """Say whether an attempt is out."""
        return bool(self._running)

    def wait(self, timeout: float) -> None:
        """Return when an attempt has ended, or at the timeout."""
        until = time.monotonic() + timeout
        while not any(each.poll() for each in list(self._running.values())):
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, max(0.005, min(each.due() for each in self._running.values()))))

    def ended(self, task: StepTask) -> None:
        """Put the log where logs are, and let the operator forget the attempt."""
        step = self._running.pop(task.attempt, None)
        if step is None:
            return
        log = Path(step.log.path)
        if self._store.log_directory(log_directory(task.run_id)) is None and log.is_file():
            with self._store.create(log_path(task.run_id, task.attempt)) as stream, log.open("rb") as file:
                shutil.copyfileobj(file, stream)
            log.unlink()
        if step.ended is not None:
            with suppress(Exception):  # the border around a plugin: it will be swept some day
                self.operator.forget(step.handle)

    def close(self) -> None:
        """End what is still out: the run has given it up."""
        for each in self._running.values():
            each.cancel(0.0)

    def submitted(self, task: StepTask) -> Submitted | None:
        """Return what is kept of an attempt that was handed over, None where it was not."""
        path = handle_path(task.run_id, task.attempt)
        return None if self._store.size(path) is None else Submitted.from_json(self._store.get(path))

    def _handle(self, task: StepTask) -> str | None:
        """Return the handle of an attempt that an earlier process of the run submitted."""
        found = self.submitted(task)
        if found is None:
            return None
        self.operator.attach(found.handle)
        return found.handle

    def command(self, task: StepTask, python: str | None = None) -> list[str]:
        """Return the command line of an attempt, after everything it needs was put into the store."""
        place, path = self._ready_job(task), task_path(task.run_id, task.attempt)
        self._put(path, task)
        return Errand.of(self._job, place, path, python).command()

    def _submit(self, task: StepTask) -> str:
        step, operator = self._steps[task.step], self.operator
        declared = step.options.environment
        python = declared.get("python")
        flavor = self._stack.record.components["step_operator"].flavor
        submission = StepSubmission(
            run_id=task.run_id,
            run_name=task.run_name,
            step=task.step,
            attempt=task.attempt,
            command=self.command(task, _minor(python) if python and operator.isolates else None),
            environment=plain_variables(step),
            resources=step.options.resources,
            settings=step.options.settings.get(flavor.rpartition("/")[2], {}),
            timeout=task.timeout,
            requirements=tuple(declared.get("requirements", ())),
            python=python,
            wheels=("dovetail", *step_wheels(self._job, step)),
        )
        handle = operator.submit(submission)
        kept = Submitted(operator=operator.name, flavor=flavor, handle=handle)
        self._put(handle_path(task.run_id, task.attempt), kept)
        return handle

    def _ready_job(self, task: StepTask) -> str:
        """Return where the job lies in the store, put there with the code it needs when first asked for."""
        path = job_path(task.run_id, task.epoch)
        if task.epoch not in self._ready:
            if self._store.size(path) is None:  # else an earlier process of the run has put it there
                job = self._job.model_copy(
                    update={
                        "code": load(_TRAVELS)(self._job, self._store, self._progress.note),
                        "source_root": ".",
                        "scratch": None,
                        "sys_path": tuple(_below(self._job.sys_path, Path(self._job.source_root))),
                    }
                )
                self._put(path, job)
            self._ready.add(task.epoch)
        return path

    def _put(self, path: str, record: Record) -> None:
        data = record.to_json()
        try:
            self._store.put(path, data)
        except ArtifactError:
            if self._store.size(path) is None or self._store.get(path) != data:
                raise


def _homeless(job: Job, stack: LiveStack) -> Iterator[tuple[str, WorkerComponent]]:
    """Yield the components of a job; those that are reached from anywhere need no home on this machine."""
    for kind, each in job.components.items():
        live = stack.get(kind)
        anywhere = live is not None and live.reach == Reach.NETWORK
        yield kind, each.model_copy(update={"home": ""}) if anywhere else each


def _below(places: tuple[str, ...], root: Path) -> list[str]:
    """Return the places below the root, relative to it: others are not there elsewhere."""
    found = [Path(each) for each in places if each]
    return [
        each.relative_to(root).as_posix()
        for each in found
        if each.is_relative_to(root) and _is_code(each, root)
    ]


def _is_code(place: Path, root: Path) -> bool:
    return not {"site-packages", "dist-packages"}.intersection(place.relative_to(root).parts)


def _minor(python: str) -> str:
    found = re.match(r"\d+\.\d+", python)
    return found[0] if found else python

"""The dispatcher: gives out the steps of a plan as they become ready, and takes in how they ended.

It is the step launcher that an orchestrator gets. It knows the graph, the cache, retries and reports; the
orchestrator knows only where a step runs.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dovetail import failpoints
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.orchestrator import StepEnd, StepProcess
from dovetail.execution.attempts import Workers
from dovetail.execution.cache import step_key
from dovetail.execution.code_watch import CodeWatch
from dovetail.execution.given_out import GivenOut
from dovetail.execution.intake import read_report, report_without, timed
from dovetail.execution.progress import Progress
from dovetail.execution.recorder import Recorder
from dovetail.execution.retries import wait_before_next
from dovetail.execution.supply import Supply
from dovetail.materializers.intact import damage
from dovetail.names import made_at, new_id
from dovetail.planning.graph import Frontier
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan, StepPlan
from dovetail.records.record import now
from dovetail.records.report import Reason, StepReport, StepTask, run_directory
from dovetail.records.run import RunRecord, Status, StepRunRecord

Artifacts = dict[str, ArtifactRecord]
"""Artifacts of one step: those it reads by argument, or those it made by output."""


@dataclass(slots=True)
class Policy:
    """How a run goes about its steps."""

    max_workers: int = 1
    in_process: bool = False
    use_cache: bool = True
    stop_on_failure: bool = True


@dataclass(slots=True)
class Dispatch:
    """Implements `dovetail.components.orchestrator.StepLauncher`; see there for what its callers may do.

    `earlier` counts the attempts that earlier processes of the run made at a step; retries start anew.
    `unwanted` counts the steps that are left out and skipped; `ongoing` are attempts that go on, by step.
    """

    plan: Plan
    run: RunRecord
    policy: Policy
    store: ArtifactStore
    recorder: Recorder
    workers: Workers
    progress: Progress
    cancelled: Callable[[], bool]
    failures: dict[str, StepReport] = field(default_factory=dict)
    unwanted: int = 0
    ongoing: dict[str, StepTask] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    counts: Counter[Status] = field(default_factory=Counter)
    _steps: dict[str, StepPlan] = field(init=False)
    _frontier: Frontier = field(init=False)
    _supply: Supply = field(init=False)
    _code: CodeWatch = field(init=False)
    _out: dict[str, GivenOut] = field(default_factory=dict)
    _reports: dict[str, StepReport] = field(default_factory=dict)
    earlier: Counter[str] = field(default_factory=Counter)
    _tries: Counter[str] = field(default_factory=Counter)
    _probed: bool = False
    _waiting: list[tuple[float, str, GivenOut, StepReport]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay out the graph."""
        self._steps = {step.name: step for step in self.plan.steps}
        self._frontier = Frontier({step.name: step.upstream() for step in self.plan.steps})
        self._supply = Supply(self.plan)
        self._code = CodeWatch(self.plan, Path(self.run.source_root), self.progress)

    @property
    def max_workers(self) -> int:
        """Return how many attempts may be out at once."""
        return self.policy.max_workers

    @property
    def in_process(self) -> bool:
        """Say whether steps are to be called in this process."""
        return self.policy.in_process

    @property
    def closed(self) -> bool:
        """Say whether no further step is to start: a failure under `stop`, or a cancel request."""
        return self.cancelled() or (self.policy.stop_on_failure and bool(self.failures))

    @property
    def finished(self) -> bool:
        """Say whether no step is left to take and none is out."""
        return not self._out and (self.closed or not (self._frontier.ready or self._waiting))

    @property
    def complete(self) -> bool:
        """Say whether every step of the plan has ended well, but for those nobody wanted to run."""
        good = self.counts[Status.COMPLETED] + self.counts[Status.CACHED]
        return good + self.unwanted == len(self._steps)

    def take(self, limit: int) -> Sequence[StepTask]:
        """Return at most `limit` tasks to start now; cached steps are settled on the way."""
        tasks: list[StepTask] = []
        while len(tasks) < limit and not self.closed:
            name = self._next()
            if name is None:
                break
            step = self._steps[name]
            inputs = self._supply.inputs(step)
            key = step_key(step, inputs, self.store.address)
            fresh = self.policy.use_cache and name not in self._tries and name not in self.ongoing
            if not (key and fresh and self._from_cache(step, inputs, key)):
                tasks.append(self._give_out(step, inputs, key))
            self.recorder.tick()
        self.recorder.flush()
        return tasks

    def next_due(self) -> float | None:
        """Return in how many seconds a step that waits for its retry will be ready."""
        return max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting and not self.closed else None

    def call(self, task: StepTask) -> StepEnd:
        """Make the attempt in this process."""
        report = self._reports[task.attempt] = self.workers.call(task)
        return StepEnd(report.reason)

    def start(self, task: StepTask) -> StepProcess:
        """Make the attempt in a process of this machine."""
        return self.workers.start(task)

    def wait(self, timeout: float | None) -> None:
        """Return when a started process has ended, or after `timeout` seconds."""
        self.recorder.flush()
        self.workers.wait(timeout)

    def command(self, task: StepTask) -> Sequence[str]:
        """Return a command line that makes the attempt elsewhere."""
        return self.workers.command(task)

    def ended(self, task: StepTask, end: StepEnd) -> None:
        """Take in the report of an attempt, or record why there is none."""
        out = self._out[task.attempt]
        self.workers.ended(task)
        report = self._report(out, end)
        self.recorder.attempt(out.attempt(report))
        again = report.status is Status.FAILED and not self.closed and self._may_retry(out, report)
        if report.status is Status.COMPLETED:
            self._completed(out, report)
        elif not again:
            self._failed(out, report)
        del self._out[task.attempt]
        self.recorder.tick()

    def _report(self, out: GivenOut, end: StepEnd) -> StepReport:
        """Return what an attempt says of itself, as far as the launcher does not know better."""
        elapsed = time.monotonic() - out.clock
        report = self._reports.pop(out.task.attempt, None) or read_report(self.store, out.task)
        if report is None or (end.reason is Reason.TIMEOUT and report.status is not Status.COMPLETED):
            return report_without(out.task, end, out.started, elapsed)
        report = timed(report, elapsed)
        if report.status is Status.CANCELLED:
            if not self.cancelled():  # the step raised KeyboardInterrupt, and nobody had asked
                return report.model_copy(update={"status": Status.FAILED, "reason": Reason.ERROR})
            return report.model_copy(update={"failure": None})
        return report

    def adopt(self, step: StepRunRecord, artifacts: Artifacts) -> None:
        """Count a step as settled that is not executed any more; `artifacts` by output."""
        self._frontier.take(step.step)
        self._supply.put(step.step, artifacts)
        self._frontier.done(step.step)
        self.counts[step.status] += 1

    def leave_out(self, step: StepRunRecord, artifacts: Artifacts) -> None:
        """Settle a step that is not to run: skipped, or with the outputs of another run."""
        self.unwanted += step.status is Status.SKIPPED
        self.recorder.step(step)
        self.adopt(step, artifacts)

    def give_up_waiting(self) -> None:
        """Record what becomes of the steps that waited for another attempt, now that the run ends."""
        while self._waiting:
            *_, out, report = self._waiting.pop()
            if self.cancelled():
                report = report.model_copy(update={"status": Status.CANCELLED, "reason": Reason.CANCELLED})
            self._failed(out, report)

    def end_all(self, reason: Reason = Reason.CANCELLED) -> None:
        """Record what became of the attempts that are out, now that nobody goes on with them."""
        for out in list(self._out.values()):
            self.ended(out.task, StepEnd(reason, detail="the run ended by an error"))
        self.give_up_waiting()
        self.recorder.flush()

    def skip_rest(self) -> None:
        """Record as skipped what will not start any more."""
        for name in self._frontier.left():
            self._settle(StepRunRecord(run_id=self.run.id, step=name, status=Status.SKIPPED))
        self.recorder.flush()

    def _next(self) -> str | None:
        if self._waiting and self._waiting[0][0] <= time.monotonic():
            return heapq.heappop(self._waiting)[1]
        return self._frontier.ready.popleft() if self._frontier.ready else None

    def _from_cache(self, step: StepPlan, inputs: Artifacts, key: str) -> bool:
        failpoints.hit("cache-look-up")
        found = self.recorder.store.cached(key)
        if found is None:
            return False
        origin, artifacts = found
        if not self._usable(step, artifacts):
            return False
        self._settle(
            StepRunRecord(
                run_id=self.run.id,
                step=step.name,
                status=Status.CACHED,
                key=key,
                started=now(),
                finished=now(),
                duration=0.0,
                cached_from=origin.cached_from or origin.run_id,
                inputs={name: each.id for name, each in inputs.items()},
                outputs={name: each.id for name, each in artifacts.items()},
                parameters=step.parameters,
            )
        )
        self._supply.put(step.name, artifacts)
        self._supply.release(step)
        self._frontier.done(step.name)
        return True

    def _usable(self, step: StepPlan, artifacts: Artifacts) -> bool:
        """Say whether the cache has every output whole; tell a person of one that is damaged."""
        if set(artifacts) != {each.name for each in step.outputs}:
            return False
        for name, artifact in artifacts.items():
            if (problem := damage(self.store, artifact)) is not None:
                self.progress.note(
                    f"step {step.name!r}: its cached output {name!r} is damaged ({problem}), computed anew"
                )
                return False
        return True

    def _give_out(self, step: StepPlan, inputs: Artifacts, key: str) -> StepTask:
        if not self._probed:
            self._probe()
        self._tries[step.name] += 1
        number = self.earlier[step.name] + self._tries[step.name]
        task = self.ongoing.pop(step.name, None) or StepTask(
            run_id=self.run.id,
            run_name=self.run.name,
            step=step.name,
            attempt=new_id(),
            number=number,
            epoch=self.run.epoch,
            inputs=inputs,
            timeout=step.options.timeout,
        )
        given_out = now()
        started = given_out if task.epoch == self.run.epoch else made_at(task.attempt)
        age = max(0, given_out - started) / 1e6  # of an attempt of an earlier session
        out = self._out[task.attempt] = GivenOut(step, task, key, started, time.monotonic() - age)
        failpoints.hit("claim")
        step_run, attempt = out.begun()
        self.recorder.step(step_run)
        self.recorder.attempt(attempt)
        self.progress.step_started(step.name, task.number)
        return task

    def _probe(self) -> None:
        """Raise StoreError where no step could store anything: better seen before the first has worked."""
        self._probed = True
        if failpoints.armed():  # what is written here is no boundary of a step
            return
        path = f"{run_directory(self.run.id)}/probe-{self.run.epoch}"
        self.store.put(path, b"")
        self.store.delete(path)

    def _completed(self, out: GivenOut, report: StepReport) -> None:
        out.key = self._code.key(out.step, out.key)
        self.written += [each.stored for each in report.outputs]
        self.recorder.results(report.outputs, report.metrics)
        self._settle(out.ended(report))
        self._supply.put(out.step.name, {each.output: each for each in report.outputs})
        self._supply.release(out.step)
        self._tries.pop(out.step.name, None)
        self._frontier.done(out.step.name)

    def _failed(self, out: GivenOut, report: StepReport) -> None:
        self.recorder.results((), report.metrics)
        if report.status is Status.FAILED:
            self.failures[out.step.name] = report
        self._settle(out.ended(report))
        for name in self._frontier.block(out.step.name):
            self._settle(StepRunRecord(run_id=self.run.id, step=name, status=Status.SKIPPED))

    def _may_retry(self, out: GivenOut, report: StepReport) -> bool:
        retry, tries = out.step.options.retry, self._tries[out.step.name]
        meant = not retry.on or (report.failure is not None and report.failure.is_any_of(retry.on))
        if tries >= retry.attempts or not meant:
            return False
        failpoints.hit("retry")
        delay = wait_before_next(retry, tries)
        heapq.heappush(self._waiting, (time.monotonic() + delay, out.step.name, out, report))
        why = report.failure.type if report.failure else report.reason.value
        self.progress.step_retried(out.step.name, delay, f"failed ({why})")
        return True

    def _settle(self, record: StepRunRecord) -> None:
        self.counts[record.status] += 1
        self.recorder.step(record)
        self.progress.step_settled(record)

"""Adoption: what earlier processes of a run have completed, as far as it still holds, is settled for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import MetadataStore
from dovetail.execution.intake import read_report
from dovetail.execution.recorder import Recorder
from dovetail.materializers.intact import damage
from dovetail.planning.code_places import CodePlaces
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan, StepPlan
from dovetail.records.record import now
from dovetail.records.report import Reason, StepReport, StepTask, report_path
from dovetail.records.run import AttemptRecord, RunRecord, Status, StepRunRecord


@dataclass(frozen=True, slots=True)
class Settled:
    """A step that is not run again, with its artifacts by output."""

    record: StepRunRecord
    artifacts: Mapping[str, ArtifactRecord] = field(default_factory=dict)


@dataclass(slots=True)
class Adoption:
    """What was found: steps that stay, those that have lost an output (and why), attempts made by step.

    `ongoing` are attempts that a step operator still makes, by step.
    """

    settled: dict[str, Settled] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    ongoing: dict[str, StepTask] = field(default_factory=dict)


def nothing_goes_on(_attempt: AttemptRecord) -> StepTask | None:
    """Return None: no attempt of the run outlives its launcher."""
    return None


def adopt(
    plan: Plan,
    run: RunRecord,
    metadata: MetadataStore,
    store: ArtifactStore,
    recorder: Recorder,
    ongoing: Callable[[AttemptRecord], StepTask | None] = nothing_goes_on,
) -> Adoption:
    """Take in the reports that nobody has taken in, then check what is completed against its artifacts.

    A step whose artifacts are not what its record says is reopened. What has to be recorded of all that waits
    in `recorder`: nothing is changed until that is flushed. `ongoing` gives the task of an attempt without a
    report that still goes on somewhere.
    """
    found = Adoption()
    recorded = {each.step: each for each in metadata.steps(run.id)}
    running: dict[str, list[AttemptRecord]] = {}
    fresh: dict[str, ArtifactRecord] = {}
    for attempt in metadata.attempts(run.id):
        found.attempts[attempt.step] += 1
        if not attempt.status.ended:
            running.setdefault(attempt.step, []).append(attempt)
    for name, attempts in running.items():
        for attempt in attempts:
            reported = store.size(report_path(run.id, attempt.id)) is not None
            if (task := ongoing(attempt)) is not None and not reported:
                found.ongoing[name] = task
                found.attempts[name] -= 1
                continue
            record = recorded.get(name) or StepRunRecord(run_id=run.id, step=name, status=Status.RUNNING)
            record = _without_stale_key(plan, run, record)
            recorded[name], made = _take_in(store, recorder, run, record, attempt)
            fresh |= {each.id: each for each in made}
    for step in plan.steps:
        if step.name in recorded and recorded[step.name].status.good:
            artifacts, why = intact(step, recorded[step.name], metadata, store, fresh)
            if why is None:
                found.settled[step.name] = Settled(recorded[step.name], artifacts)
            else:
                found.lost[step.name] = why
    for name, why in found.lost.items():
        recorder.reopen(_reopened(recorded[name], why))
    return found


def _without_stale_key(plan: Plan, run: RunRecord, record: StepRunRecord) -> StepRunRecord:
    """Take the key from a step whose code is another by now: it may have changed before the step began."""
    sources = {each.name: each.source for each in plan.steps}
    if not record.key or record.status.good or record.step not in sources:
        return record
    if CodePlaces(Path(run.source_root), sources.values()).hold(sources[record.step]):
        return record
    return record.model_copy(update={"key": ""})


def _take_in(
    store: ArtifactStore, recorder: Recorder, run: RunRecord, record: StepRunRecord, attempt: AttemptRecord
) -> tuple[StepRunRecord, tuple[ArtifactRecord, ...]]:
    """Note how an attempt ended whose launcher is gone; return what that makes of its step, with outputs."""
    task = StepTask(
        run_id=run.id,
        run_name=run.name,
        step=record.step,
        attempt=attempt.id,
        number=attempt.number,
        epoch=-1,
    )
    report = read_report(store, task, any_epoch=True)
    if report is None:
        lost = {"status": Status.FAILED, "reason": Reason.LOST.value, "finished": now()}
        recorder.attempt(attempt.model_copy(update=lost))
        return record, ()
    failure = report.failure
    ended = {"status": report.status, "finished": report.finished, "duration": report.duration}
    recorder.attempt(
        attempt.model_copy(
            update={
                **ended,
                "reason": report.reason.value,
                "error": failure.text if failure else None,
                "traceback": failure.traceback if failure else None,
            }
        )
    )
    completed = report.status is Status.COMPLETED and not record.status.good
    recorder.results(report.outputs if completed else (), report.metrics)
    if not completed:
        return record, ()
    taken = record.model_copy(update={**ended, "outputs": _ids(report), "error": None})
    recorder.step(taken)
    return taken, report.outputs


def _ids(report: StepReport) -> dict[str, str]:
    return {each.output: each.id for each in report.outputs}


def intact(
    step: StepPlan,
    record: StepRunRecord,
    metadata: MetadataStore,
    store: ArtifactStore,
    fresh: Mapping[str, ArtifactRecord] | None = None,
) -> tuple[dict[str, ArtifactRecord], str | None]:
    """Return the artifacts of a completed step by output, and what is wrong with them, None where nothing.

    `fresh` are artifacts by id that are about to be recorded.
    """
    known = {**metadata.artifacts_by_id(record.outputs.values()), **(fresh or {})}
    artifacts = {name: known[each] for name, each in record.outputs.items() if each in known}
    for output in step.outputs:
        if output.name not in artifacts:
            return {}, f"there is no record of output {output.name!r}"
        artifact = artifacts[output.name]
        if artifact.materializer != output.materializer:
            mine, theirs = output.materializer.name, artifact.materializer.name
            return {}, f"output {output.name!r} was stored by {theirs!r}, not by {mine!r}"
        if (problem := damage(store, artifact)) is not None:
            return {}, f"output {output.name!r}: {problem}"
    return artifacts, None


def _reopened(record: StepRunRecord, why: str) -> StepRunRecord:
    lost = {"status": Status.FAILED, "cached_from": None, "error": f"its output is lost: {why}"}
    return record.model_copy(update={**lost, "outputs": {}})

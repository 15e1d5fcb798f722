"""How runs and their steps are shown: as documents to programs, as tables to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dovetail.cli.render import NOTHING, print_lines, print_table, say
from dovetail.client import ArtifactView, Client, RunView, StepView
from dovetail.execution.beginning.selection import Selection
from dovetail.execution.interruption import DIED, going_on, interruption
from dovetail.records.run import AttemptRecord, Status

_MINUTE, _HOUR = 60.0, 3600.0
_KILO = 1000.0
_COMMIT = 10


def find_run(client: Client, reference: str) -> RunView:
    """Return the run that a person means: `last`, a name, an id, or the beginning of one.

    Raises:
        NotFoundError: no run fits, or several do.
    """
    return client.run(reference)


def say_if_interrupted(runs: Sequence[RunView]) -> None:
    """Tell in one line on standard error of runs whose process died, unless a newer run did their work.

    `runs` come newest first; with several, the line is about the newest.
    """
    done: set[str] = set()
    dead = []
    for run in runs:
        if run.status is Status.COMPLETED:
            done.add(run.pipeline)
        elif run.status is Status.INTERRUPTED and run.pipeline not in done:
            dead.append(run.name)
    if dead:
        say(interruption(*dead))


def show_run(run: RunView) -> None:
    """Print a run with its steps as a table."""
    for line in _head(run):
        print_lines([line])
    rows = [_row(step, run.metrics.get(name, {})) for name, step in run.steps.items()]
    print_lines([""])
    print_table(["step", "status", "duration", "tries", "outputs", "metrics"], rows, empty="no steps")
    origins = _origins(run)
    taken: dict[str, list[str]] = {}
    for name, step in run.steps.items():
        if step.record and step.record.cached_from:
            taken.setdefault(step.record.cached_from, []).append(name)
    lines = [f"taken from run {origins[each] or each}: {', '.join(names)}" for each, names in taken.items()]
    if lines := [*lines, *_failures(run)]:
        print_lines(["", *lines])


def _origins(run: RunView) -> dict[str, str | None]:
    """Return the names of the runs whose outputs steps have, by id; None for one that was deleted."""
    ids = {each.record.cached_from for each in run.steps.values() if each.record and each.record.cached_from}
    found = {each: run.records.metadata.run(each) for each in ids}
    return {each: record.name if record else None for each, record in found.items()}


def _failures(run: RunView) -> list[str]:
    """Return a line for each step that failed, and for each failed try of a step that was tried again."""
    attempts = _failed_attempts(run)
    lines = []
    for name, step in run.steps.items():
        tried = attempts.get(name, [])
        record = step.record
        told_of_step = bool(step.error) and not step.status.good
        repeated = record is not None and record.attempts > 1
        if told_of_step and not repeated:
            lines.append(_line(f"{name} {step.status}: {step.error}"))
        lines += [_line(f"{name} {how_ended(run, each)}") for each in tried if repeated or not told_of_step]
    return lines


def _line(text: str) -> str:
    """Return the first line of a text, which is all that a list has room for."""
    return text.strip().partition("\n")[0]


def _failed_attempts(run: RunView) -> dict[str, list[AttemptRecord]]:
    """Return the attempts that did not end well by step; asks only where there can be any."""
    steps = [each.record for each in run.steps.values() if each.record]
    if all(each.status.good and each.attempts <= 1 for each in steps):
        return {}
    found: dict[str, list[AttemptRecord]] = {}
    for each in run.records.metadata.attempts(run.id):
        if how_ended(run, each) is not None:
            found.setdefault(each.step, []).append(each)
    return found


def attempt_status(run: RunView, attempt: AttemptRecord) -> Status:
    """Return what became of an attempt; `interrupted` where the run's process died while it ran."""
    lost = run.status is Status.INTERRUPTED and not attempt.status.ended
    return Status.INTERRUPTED if lost else attempt.status


def how_ended(run: RunView, attempt: AttemptRecord) -> str | None:
    """Say in words how an attempt has ended; None where it ended well, or has not ended."""
    status = attempt_status(run, attempt)
    if status.good or not status.ended:
        return None
    why = attempt.error or attempt.reason
    return f"attempt {attempt.number} {status}{f': {why}' if why else ''}"


def _head(run: RunView) -> list[str]:
    took = f", {seconds(run.duration)}" if run.duration is not None else ""
    lines = [f"run {run.name} of pipeline {run.pipeline}: {run.status}{took}"]
    told = [f"started {moment(run.started)}", f"stack {run.stack}"]
    if run.commit:
        told.append(f"commit {run.commit[:_COMMIT]}{' with changes' if run.dirty else ''}")
    lines.append(f"  {', '.join(told)}")
    if run.record.parent:
        steps = ", ".join(_selection(run).only)
        parent = run.records.metadata.run(run.record.parent)
        lines.append(f"  replays step {steps} of run {parent.name if parent else run.record.parent}")
    elif (selection := _selection(run)).partial:
        lines.append(f"  a part of the pipeline: {selection}")
    if run.error:
        lines += [f"  {each}" for each in run.error.splitlines()]
    if run.status is Status.INTERRUPTED:
        lines.append(f"  {DIED}; {going_on(run.name)}")
    elif run.status in {Status.FAILED, Status.CANCELLED}:
        lines.append(f"  {going_on(run.name)}")
    return lines


def _selection(run: RunView) -> Selection:
    return Selection.from_noted(run.record.options.get("selection", {}))


def part_of_pipeline(run: RunView) -> str:
    """Say whether a run is a `replay` or `partial`; nothing where it was asked to run every step."""
    if run.record.parent:
        return "replay"
    return "partial" if _selection(run).partial else ""


def _row(step: StepView, metrics: dict[str, float]) -> list[object]:
    tries = step.record.attempts if step.record and step.record.attempts else NOTHING
    recorded = step.record.outputs if step.record else {}
    outputs = ", ".join(each.name for each in step.plan.outputs if each.name in recorded)
    shown = ", ".join(f"{name}={value:.6g}" for name, value in metrics.items())
    return [step.name, step.status, seconds(step.duration), tries, outputs, shown]


def run_document(run: RunView) -> dict[str, Any]:
    """Return a run with its steps as plain JSON values."""
    _ = run.outputs  # all of them in one question
    failed, origins = _failed_attempts(run), _origins(run)
    return {
        **run_summary(run),
        "plan": run.record.plan_digest,
        "commit": run.commit,
        "dirty": run.dirty,
        "host": run.record.host,
        "source_root": run.record.source_root,
        "versions": run.versions,
        "components": {kind: each.flavor for kind, each in run.record.stack.components.items()},
        "steps": [
            {
                **_step_document(step, run.metrics.get(name, {}), origins),
                "failed_attempts": [_attempt_document(run, each) for each in failed.get(name, [])],
            }
            for name, step in run.steps.items()
        ],
    }


def run_summary(run: RunView) -> dict[str, Any]:
    """Return what a list says of a run, as plain JSON values."""
    return {
        "id": run.id,
        "name": run.name,
        "pipeline": run.pipeline,
        "status": str(run.status),
        "started": iso(run.started),
        "finished": iso(run.finished),
        "duration": run.duration,
        "stack": run.stack,
        "error": run.error,
        "parent": run.record.parent,
        "selection": run.record.options.get("selection", {}),
    }


def _step_document(
    step: StepView, metrics: dict[str, float], origins: dict[str, str | None]
) -> dict[str, Any]:
    origin = step.record.cached_from if step.record else None
    return {
        "name": step.name,
        "status": str(step.status),
        "started": iso(step.started),
        "finished": iso(step.finished),
        "duration": step.duration,
        "attempts": step.record.attempts if step.record else 0,
        "cached_from": origin,
        "cached_from_name": origins[origin] if origin else None,
        "key": step.record.key if step.record else "",
        "parameters": step.parameters,
        "metrics": metrics,
        "inputs": dict(step.record.inputs) if step.record else {},
        "outputs": {name: artifact_summary(artifact) for name, artifact in step.outputs.items()},
        "error": step.error,
    }


def _attempt_document(run: RunView, attempt: AttemptRecord) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "status": str(attempt_status(run, attempt)),
        "reason": attempt.reason,
        "error": attempt.error,
    }


def artifact_summary(artifact: ArtifactView) -> dict[str, Any]:
    """Return what a list says of an artifact, as plain JSON values."""
    return {
        "id": artifact.id,
        "step": artifact.step,
        "output": artifact.name,
        "run_id": artifact.run_id,
        "type": artifact.type,
        "materializer": artifact.record.materializer.name,
        "size": artifact.size,
        "digest": artifact.digest,
        "created": iso(artifact.created),
        "summary": artifact.summary,
        "metadata": artifact.metadata,
    }


def iso(time: datetime | None) -> str | None:
    """Return a time for programs: ISO 8601 in UTC."""
    return None if time is None else time.isoformat()


def moment(time: datetime | None) -> str:
    """Return a time for people: local, to the second."""
    return NOTHING if time is None else f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def seconds(duration: float | None) -> str:
    """Return a duration for people."""
    if duration is None:
        return NOTHING
    if duration < 1.0:
        return f"{duration * 1000:.0f} ms"
    if duration < _MINUTE:
        return f"{duration:.2f} s"
    if duration < _HOUR:
        return f"{int(duration // _MINUTE)} min {int(duration % _MINUTE)} s"
    return f"{int(duration // _HOUR)} h {int(duration % _HOUR // _MINUTE)} min"


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KILO
    return f"{count:.1f} TB"

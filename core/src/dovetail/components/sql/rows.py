"""Records as rows and rows as records: which field stands in which column, and in what form.

Values of a row are what every database driver takes and gives: text, integers, floats and None.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from dovetail.components.sql.schema import TYPE_PREFIX
from dovetail.errors import StoreError
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef
from dovetail.records.record import Record
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, StepRunRecord

Row = Sequence[Any]
Values = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode

RUN = (
    "id", "sequence", "name", "pipeline", "plan_digest", "status", "stack", "epoch", "started", "finished",
    "duration", "code_commit", "dirty", "versions", "host", "source_root", "options", "parent", "error",
)  # fmt: skip
STEP_RUN = (
    "run_id", "step", "status", "cache_key", "started", "finished", "duration", "attempts", "cached_from",
    "inputs", "outputs", "parameters", "error",
)  # fmt: skip
ATTEMPT = (
    "id", "run_id", "step", "number", "status", "started", "finished", "duration", "reason", "error",
    "traceback", "log",
)  # fmt: skip
ARTIFACT = (
    "id", "run_id", "step", "output", "type", "materializer", "digest", "size", "files", "summary",
    "metadata", "created",
)  # fmt: skip
METRIC = ("run_id", "step", "name", "value", "special", "step_index", "time")
"""The columns of each kind of record, in the order in which the functions below expect them in a row."""


def plain(text: str | None) -> str | None:
    """Return `text` without what some databases refuse: NUL, and halves of surrogate pairs."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _json(value: object) -> str:
    """Return JSON in ASCII, which has an escape for everything a text column may refuse."""
    return _encode(value) if value else "{}"


def _decoded(text: str) -> Any:  # noqa: ANN401 - what JSON can say
    """Return what `_json` wrote; most of it is empty, and a decoder is no faster for that."""
    return {} if text == "{}" else json.loads(text)


@lru_cache(maxsize=256)
def _materializer(text: str) -> MaterializerRef:
    """Return the materializer of a row: few are ever used, by many artifacts."""
    return MaterializerRef.model_validate_json(text)


def _document(record: Record) -> Values:
    return record.model_dump(mode="json", exclude_defaults=True)


def run_values(run: RunRecord) -> Values:
    """Return the row of a run, without its sequence number, which the store gives."""
    return {
        "id": run.id,
        "name": run.name,
        "pipeline": run.pipeline,
        "plan_digest": run.plan_digest,
        "status": str(run.status),
        "stack": _json(_document(run.stack)),
        "epoch": run.epoch,
        "started": run.started,
        "finished": run.finished,
        "duration": run.duration,
        "code_commit": run.commit,
        "dirty": None if run.dirty is None else int(run.dirty),
        "versions": _json(run.versions),
        "host": plain(run.host),
        "source_root": plain(run.source_root),
        "options": _json(run.options),
        "parent": run.parent,
        "error": plain(run.error),
    }


def step_run_values(step: StepRunRecord) -> Values:
    """Return the row of a step run."""
    return {
        "run_id": step.run_id,
        "step": step.step,
        "status": str(step.status),
        "cache_key": step.key,
        "started": step.started,
        "finished": step.finished,
        "duration": step.duration,
        "attempts": step.attempts,
        "cached_from": step.cached_from,
        "inputs": _json(step.inputs),
        "outputs": _json(step.outputs),
        "parameters": _json(step.parameters),
        "error": plain(step.error),
    }


def attempt_values(attempt: AttemptRecord) -> Values:
    """Return the row of an attempt."""
    return {
        "id": attempt.id,
        "run_id": attempt.run_id,
        "step": attempt.step,
        "number": attempt.number,
        "status": str(attempt.status),
        "started": attempt.started,
        "finished": attempt.finished,
        "duration": attempt.duration,
        "reason": attempt.reason,
        "error": plain(attempt.error),
        "traceback": plain(attempt.traceback),
        "log": plain(attempt.log),
    }


def artifact_values(artifact: ArtifactRecord, pipeline: str) -> Values:
    """Return the row of an artifact that a run of `pipeline` made."""
    return {
        "id": artifact.id,
        "run_id": artifact.run_id,
        "pipeline": pipeline,
        "step": artifact.step,
        "output": artifact.output,
        "type_prefix": artifact.type[:TYPE_PREFIX],
        "type": artifact.type,
        "materializer": _json(_document(artifact.materializer)),
        "digest": artifact.digest,
        "size": artifact.size,
        "files": _json([[each.path, each.size, each.digest] for each in artifact.files]),
        "summary": _json(artifact.summary),
        "metadata": _json(artifact.metadata),
        "created": artifact.created,
    }


def metric_values(metric: MetricRecord) -> Values:
    """Return the row of a metric's value."""
    finite = math.isfinite(metric.value)
    return {
        "run_id": metric.run_id,
        "step": metric.step,
        "name": plain(metric.name),
        "value": metric.value if finite else None,
        "special": None if finite else str(float(metric.value)),
        "step_index": metric.step_index,
        "time": metric.time,
    }


Kind = TypeVar("Kind", bound=Record)


def _validated(kind: type[Kind], values: Callable[[], Mapping[str, Any]], of: str) -> Kind:
    try:
        return kind.model_validate(values())
    except (ValidationError, ValueError, TypeError) as error:
        raise StoreError(
            f"what the metadata store holds of {of} cannot be read: {error}",
            hint="the row was changed by another program; restore the store from a backup",
        ) from error


def run_record(row: Row) -> RunRecord:
    """Return the run of a row with the columns `RUN`."""

    def values() -> Values:
        found = dict(zip(RUN, row, strict=True))
        found["commit"] = found.pop("code_commit")
        for name in ("stack", "versions", "options"):
            found[name] = _decoded(found[name])
        return found

    return _validated(RunRecord, values, f"run {row[0]!r}")


def step_run_record(row: Row) -> StepRunRecord:
    """Return the step run of a row with the columns `STEP_RUN`."""

    def values() -> Values:
        found = dict(zip(STEP_RUN, row, strict=True))
        found["key"] = found.pop("cache_key")
        for name in ("inputs", "outputs", "parameters"):
            found[name] = _decoded(found[name])
        return found

    return _validated(StepRunRecord, values, f"step {row[1]!r} of run {row[0]!r}")


def attempt_record(row: Row) -> AttemptRecord:
    """Return the attempt of a row with the columns `ATTEMPT`."""
    return _validated(AttemptRecord, lambda: dict(zip(ATTEMPT, row, strict=True)), f"attempt {row[0]!r}")


def artifact_record(row: Row) -> ArtifactRecord:
    """Return the artifact of a row with the columns `ARTIFACT`."""

    def values() -> Values:
        found = dict(zip(ARTIFACT, row, strict=True))
        found["materializer"] = _materializer(found["materializer"])
        for name in ("files", "summary", "metadata"):
            found[name] = _decoded(found[name])
        found["files"] = [
            {"path": path, "size": size, "digest": digest} for path, size, digest in found["files"] or ()
        ]
        return found

    return _validated(ArtifactRecord, values, f"artifact {row[0]!r}")


def metric_record(row: Row) -> MetricRecord:
    """Return the metric of a row with the columns `METRIC`."""

    def values() -> Values:
        found = dict(zip(METRIC, row, strict=True))
        special = found.pop("special")
        if special is not None:
            found["value"] = float(special)
        return found

    return _validated(MetricRecord, values, f"metric {row[2]!r} of run {row[0]!r}")

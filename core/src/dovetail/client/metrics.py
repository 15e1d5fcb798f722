"""Metrics of steps: those of a cached step are those of the run that computed it."""

from __future__ import annotations

from dovetail.client.records import Records
from dovetail.records.run import MetricRecord, Status, StepRunRecord


def metrics_of_step(
    records: Records, run_id: str, step: str, record: StepRunRecord | None
) -> list[MetricRecord]:
    """Return every value that was logged for the outputs which the step has, in order."""
    if record is not None and record.status is Status.CACHED:
        for artifact in records.metadata.artifacts_by_id(record.outputs.values()).values():
            return records.metadata.metrics(artifact.run_id, artifact.step)
    return records.metadata.metrics(run_id, step)


def last_values(metrics: list[MetricRecord]) -> dict[str, dict[str, float]]:
    """Return the last value of each metric, by step and name."""
    found: dict[str, dict[str, float]] = {}
    for each in metrics:
        found.setdefault(each.step, {})[each.name] = each.value
    return found

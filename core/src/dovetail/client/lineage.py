"""Lineage: what an artifact was made from, and what was made from it, over all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dovetail.client.records import Records
from dovetail.records.artifact import ArtifactRecord


def upstream(records: Records, artifact: ArtifactRecord) -> list[ArtifactRecord]:
    """Return the artifacts that `artifact` was made from, directly or not, the nearest first."""

    def parents(record: ArtifactRecord) -> Iterable[str]:
        producer = records.steps(record.run_id, ended=True).get(record.step)
        return producer.inputs.values() if producer else ()

    return _walk(records, artifact, parents)


def downstream(records: Records, artifact: ArtifactRecord) -> list[ArtifactRecord]:
    """Return the artifacts that were made from `artifact`, directly or not, the nearest first."""

    def children(record: ArtifactRecord) -> Iterable[str]:
        return (each for step in records.metadata.consumers(record.id) for each in step.outputs.values())

    return _walk(records, artifact, children)


def _walk(
    records: Records, start: ArtifactRecord, neighbours: Callable[[ArtifactRecord], Iterable[str]]
) -> list[ArtifactRecord]:
    """Return what is reached from `start`, level by level, each artifact once."""
    seen, found, level = {start.id}, list[ArtifactRecord](), [start]
    while level:
        ids = [each for record in level for each in neighbours(record) if each not in seen]
        known = records.metadata.artifacts_by_id(ids)
        level = [known[each] for each in dict.fromkeys(ids) if each in known]
        seen.update(known)
        found += level
    return found

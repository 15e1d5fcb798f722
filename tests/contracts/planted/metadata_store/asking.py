"""Faults of metadata stores in answering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import ArtifactQuery, RunQuery
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.run import RunRecord, StepRunRecord
from planted.metadata_store.kit import FAULTS

EVERYTHING = RunQuery(limit=1000)


def all_steps(store: SqliteMetadataStore) -> list[StepRunRecord]:
    """Return the steps of all runs, newest first."""
    return [step for run in store.runs(EVERYTHING) for step in reversed(store.steps(run.id))]


@FAULTS.plant(18, modelled_on="https://github.com/wandb/wandb/issues/5487")
class RepeatsTheLastOfAPage(SqliteMetadataStore):
    """The last run of a page is the first of the next."""

    def runs(self, query: RunQuery) -> list[RunRecord]:
        return super().runs(query if query.before is None else replace(query, before=query.before + 1))


@FAULTS.plant(19, modelled_on="https://github.com/mlflow/mlflow/pull/2708")
class IgnoresCase(SqliteMetadataStore):
    """A prefix is found in upper and lower case alike."""

    def runs(self, query: RunQuery) -> list[RunRecord]:
        if query.prefix is None:
            return super().runs(query)
        prefix = query.prefix.lower()
        found = super().runs(replace(query, prefix=None, limit=1000))
        return [each for each in found if each.name.lower().startswith(prefix) or each.id.startswith(prefix)]


@FAULTS.plant(20, dependents={7, 8, 29}, modelled_on="https://github.com/Netflix/metaflow/issues/1112")
class RunsForEver(SqliteMetadataStore):
    """A run whose process was killed seems to go on."""

    def held(self, run_ids: Sequence[str]) -> set[str]:
        return set(run_ids)


@FAULTS.plant(21, dependents={30})
class TakesAnyStepOfTheKey(SqliteMetadataStore):
    """A failed step is a hit of the cache."""

    def cached(self, key: str) -> tuple[StepRunRecord, dict[str, ArtifactRecord]] | None:
        for step in all_steps(self):
            if step.key == key:
                there = self.artifacts_by_id(step.outputs.values())
                return step, {name: there[each] for name, each in step.outputs.items() if each in there}
        return None


@FAULTS.plant(22)
class SortsByName(SqliteMetadataStore):
    """Steps come by name."""

    def steps(self, run_id: str) -> list[StepRunRecord]:
        return sorted(super().steps(run_id), key=lambda each: each.step)


@FAULTS.plant(23)
class FindsTypesByTheirBeginning(SqliteMetadataStore):
    """A type is taken for another that begins alike."""

    def artifacts(self, query: ArtifactQuery) -> list[ArtifactRecord]:
        if query.type is None:
            return super().artifacts(query)
        found = super().artifacts(replace(query, type=None))
        return [each for each in found if each.type.startswith(query.type)]


@FAULTS.plant(24)
class TakesMakersForReaders(SqliteMetadataStore):
    """The step that made an artifact counts as one that reads it."""

    def consumers(self, artifact_id: str) -> list[StepRunRecord]:
        steps = all_steps(self)
        return [each for each in steps if artifact_id in {*each.inputs.values(), *each.outputs.values()}]


@FAULTS.plant(25)
class CountsTheFirstStart(SqliteMetadataStore):
    """Of a pipeline the first start is told instead of the last."""

    def pipelines(self) -> list[tuple[str, int, int]]:
        first = {run.pipeline: run.started for run in self.runs(EVERYTHING)}
        return [(name, count, first[name]) for name, count, _ in super().pipelines()]


@FAULTS.plant(32)
class TakesUnreadForUnused(SqliteMetadataStore):
    """What nobody has read yet is offered for removal."""

    def unreferenced(self, *, before: str | None = None, limit: int = 100) -> list[ArtifactRecord]:
        found = self.artifacts(ArtifactQuery(before=before, limit=limit))
        return [each for each in found if not self.consumers(each.id)]

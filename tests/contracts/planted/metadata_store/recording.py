"""Faults of metadata stores in recording and deleting."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import Facts, Lease
from dovetail.components.sql.recording import Recorder
from dovetail.errors import StoreError
from dovetail.records.run import MetricRecord, RunRecord, StepRunRecord
from planted.metadata_store.kit import FAULTS, Manual, Recording


@FAULTS.plant(10)
class NumbersNothing(SqliteMetadataStore):
    """Runs get no number of their own."""

    def begin(self, run: RunRecord, plan: bytes, lease: Lease) -> RunRecord:
        return super().begin(run, plan, lease).model_copy(update={"sequence": 1})


@FAULTS.plant(10, dependents={31})
class RewritesThePlan(SqliteMetadataStore):
    """A plan is kept with the same content, but not the same bytes."""

    def plan(self, digest: str) -> bytes | None:
        found = super().plan(digest)
        return found and found.replace(b":", b": ")


@FAULTS.plant(11)
class StartsAnew(Manual):
    """A resumed run seems to have started when it was resumed."""

    def begin(self, run: RunRecord, plan: bytes, lease: Lease) -> RunRecord:
        begun = super().begin(run, plan, lease)
        self.by_hand("UPDATE runs SET started = ? WHERE id = ?", run.started, run.id)
        return begun


@FAULTS.plant(12, modelled_on="https://github.com/mlflow/mlflow/issues/26108")
class ObjectsToRepetition(Recording):
    """What is recorded already is an error."""

    class recorder(Recorder):  # noqa: N801 - an attribute of the store
        def _metrics(self, metrics: list[MetricRecord]) -> None:
            if metrics and metrics[0].step in {each.step for each in metrics} and self._known(metrics[0]):
                raise StoreError("UNIQUE constraint failed: metrics", hint="log it once")
            super()._metrics(metrics)

        def _known(self, metric: MetricRecord) -> bool:
            self._cursor.execute(
                "SELECT count(*) FROM metrics WHERE run_id = ? AND step = ?", (self._run_id, metric.step)
            )
            return bool(self._cursor.fetchone()[0])


@FAULTS.plant(12, dependents={16, 17, 22})
class DoublesMetrics(Recording):
    """What is recorded again is there twice."""

    class recorder(Recorder):  # noqa: N801 - an attribute of the store
        def _metrics(self, metrics: list[MetricRecord]) -> None:
            for each in metrics:
                super()._metrics([each.model_copy(update={"time": each.time + time.perf_counter_ns() % 997})])


@FAULTS.plant(13, dependents={30})
class TheLastOneCounts(Recording):
    """What comes later replaces a step that ended well."""

    class recorder(Recorder):  # noqa: N801 - an attribute of the store
        def _steps(self, steps: dict[str, StepRunRecord], reopened: Sequence[str]) -> None:
            super()._steps(steps, list(steps))


@FAULTS.plant(14, dependents={22, 30})
class TheFirstOneCounts(SqliteMetadataStore):
    """A step that failed stays failed, whatever comes later."""

    def record(self, facts: Facts, lease: Lease) -> None:
        known = {each.step for each in self.steps(lease.run_id)}
        steps = [each for each in facts.steps if each.step not in known]
        super().record(Facts(steps, facts.attempts, facts.artifacts, facts.metrics), lease)


def _in_parts(store: SqliteMetadataStore, facts: Facts, lease: Lease, pause: float) -> None:
    first = Facts(facts.steps, facts.attempts, reopened=facts.reopened)
    SqliteMetadataStore.record(store, first, lease)
    time.sleep(pause)
    SqliteMetadataStore.record(store, Facts(artifacts=facts.artifacts, metrics=facts.metrics), lease)


@FAULTS.plant(15, dependents={28, 29, 34})
class RecordsInParts(SqliteMetadataStore):
    """Of facts that are wrong the right ones are kept."""

    def record(self, facts: Facts, lease: Lease) -> None:
        _in_parts(self, facts, lease, 0.0)


@FAULTS.plant(28, dependents={15, 27, 29, 34})
class ShowsParts(SqliteMetadataStore):
    """A step is seen before its artifacts."""

    def record(self, facts: Facts, lease: Lease) -> None:
        _in_parts(self, facts, lease, 0.003)


@FAULTS.plant(29, dependents={15, 27, 28, 34})
class LeavesParts(SqliteMetadataStore):
    """Who is killed leaves a step without its artifacts."""

    def record(self, facts: Facts, lease: Lease) -> None:
        _in_parts(self, facts, lease, 0.05 if len(self.steps(lease.run_id)) > 1 else 0.0)


@FAULTS.plant(16, modelled_on="https://github.com/mlflow/mlflow/issues/15277")
class CutsTexts(SqliteMetadataStore):
    """Of a long text only the beginning is kept."""

    def steps(self, run_id: str) -> list[StepRunRecord]:
        return [
            each.model_copy(update={"error": each.error and each.error[:250]})
            for each in super().steps(run_id)
        ]


@FAULTS.plant(16, modelled_on="https://github.com/mlflow/mlflow/issues/2814")
class RefusesTexts(SqliteMetadataStore):
    """A text that is too long is an error of the database."""

    def record(self, facts: Facts, lease: Lease) -> None:
        if any(len(each.error or "") > 500 for each in facts.steps):
            raise StoreError("Data too long for column 'error' at row 1", hint="shorten it")
        super().record(facts, lease)


@FAULTS.plant(17, modelled_on="https://github.com/mlflow/mlflow/pull/22826")
class InfinityIsTheLargest(SqliteMetadataStore):
    """An infinite metric comes back as the largest float."""

    def metrics(self, run_id: str, step: str | None = None) -> list[MetricRecord]:
        found = super().metrics(run_id, step)
        return [
            each.model_copy(
                update={"value": max(-1.7976931348623157e308, min(each.value, 1.7976931348623157e308))}
            )
            for each in found
        ]


@FAULTS.plant(26)
class DeletesWhatOthersHave(Manual):
    """With a run go its artifacts, also those that another run reads."""

    def delete_run(self, run_id: str, lease: Lease) -> None:
        super().delete_run(run_id, lease)
        self.by_hand("DELETE FROM artifacts WHERE run_id = ?", run_id)


@FAULTS.plant(26, modelled_on="https://github.com/mlflow/mlflow/issues/12917")
class LeavesOrphans(Recording):
    """What a deleted run has made stays for ever."""

    class recorder(Recorder):  # noqa: N801 - an attribute of the store
        def _forget_artifact(self, artifact: str) -> None:
            """Forget nothing."""


@FAULTS.plant(27, dependents={1, 28, 29}, modelled_on="https://github.com/dagster-io/dagster/issues/3238")
class WaitsForNobody(SqliteMetadataStore):
    """Who finds the database in use gives up."""

    def start_writing(self, cursor: DBAPICursor, durable: bool) -> None:
        cursor.execute("PRAGMA busy_timeout = 0")
        super().start_writing(cursor, durable)

    def _connect_as(self, access: str) -> sqlite3.Connection:
        connection = super()._connect_as(access)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection


@FAULTS.plant(30)
class ReopensNothing(SqliteMetadataStore):
    """A step whose outputs were lost stays completed."""

    def record(self, facts: Facts, lease: Lease) -> None:
        super().record(Facts(facts.steps, facts.attempts, facts.artifacts, facts.metrics), lease)


@FAULTS.plant(31)
class KeepsTheFirstPlan(SqliteMetadataStore):
    """A run resumed with another plan seems to have run the first."""

    def begin(self, run: RunRecord, plan: bytes, lease: Lease) -> RunRecord:
        known = self.run(run.id)
        kept = run if known is None else run.model_copy(update={"plan_digest": known.plan_digest})
        return super().begin(kept, plan, lease)


@FAULTS.plant(33)
class ForgetsWhatIsUsed(Manual):
    """Artifacts are forgotten, whoever refers to them."""

    def forget_artifacts(self, ids: Iterable[str]) -> set[str]:
        wanted = [each for each in ids if each in self.artifacts_by_id([each])]
        for each in wanted:
            self.by_hand("DELETE FROM artifacts WHERE id = ?", each)
        return set(wanted)


@FAULTS.plant(34, modelled_on="https://github.com/zenml-io/zenml/issues/3975")
class TrustsTheLookUp(Recording):
    """A cached step is recorded with outputs that are not there any more."""

    class recorder(Recorder):  # noqa: N801 - an attribute of the store
        def _check_outputs(self, facts: Any) -> None:
            """Check nothing."""

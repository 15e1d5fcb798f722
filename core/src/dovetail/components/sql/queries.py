"""Reading: the questions that a metadata store answers, each in one or two indexed statements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice

from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.metadata_store import ArtifactQuery, MetadataStore, RunQuery
from dovetail.components.sql import rows
from dovetail.components.sql.database import Database
from dovetail.components.sql.persistence import persistent
from dovetail.components.sql.rows import Row, Values
from dovetail.components.sql.schema import TYPE_PREFIX
from dovetail.components.sql.statements import (
    CHUNK,
    any_of,
    newest_of_key,
    page_of_artifacts,
    page_of_runs,
    page_of_unreferenced,
    pick,
    pick_any,
    readers_of_artifact,
    runs_by_pipeline,
    size_of,
)
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord

_UNFINISHED = (Status.PENDING, Status.RUNNING)
_LAST = "\U0010ffff"


class SqlQueries(MetadataStore):
    """The reading half of a metadata store on a database."""

    @property
    @abstractmethod
    def database(self) -> Database:
        """Return the opened database; raises StoreError before `open`."""

    def pause(self, error: BaseException | None, tries: int, waited: float) -> float | None:
        """Return for how many seconds to wait before a call is made again; None: its error stays.

        Args:
            error: What the driver said, None where it was not the driver.
            tries: How often the call was made.
            waited: Seconds since it was made first.
        """
        return None

    @persistent
    def cached(self, key: str) -> tuple[StepRunRecord, dict[str, ArtifactRecord]] | None:
        database = self.database
        values = {"at_cache_key": key, "at_status": "completed"}
        with database.reading() as cursor:
            found = database.statements.run(cursor, values, newest_of_key).fetchall()
            if not found:
                return None
            step = rows.step_run_record(found[0])
            known = _artifacts(database, cursor, list(step.outputs.values()))
        return step, {name: known[each] for name, each in step.outputs.items() if each in known}

    @persistent
    def run(self, run_id: str) -> RunRecord | None:
        found = self._settled(self._runs_of({"at_id": run_id}, ("id",), 1))
        return found[0] if found else None

    @persistent
    def runs(self, query: RunQuery) -> list[RunRecord]:
        if query.status in {*_UNFINISHED, Status.INTERRUPTED}:
            return self._unfinished(query)
        return self._settled(self._page(query, query.status))

    def _page(self, query: RunQuery, status: Status | None) -> list[RunRecord]:
        asked = {"pipeline": query.pipeline, "status": status, "name": query.name}
        values: Values = {f"at_{name}": str(value) for name, value in asked.items() if value is not None}
        conditions = [name for name, value in asked.items() if value is not None]
        if query.before is not None:
            conditions.append("before")
            values["before"] = query.before
        if query.prefix is None:
            return self._runs_of(values, tuple(conditions), query.limit)
        values |= {"from": query.prefix, "to": query.prefix + _LAST}
        by_id = self._runs_of(values, (*conditions, "id_prefix"), query.limit)
        by_name = self._runs_of(values, (*conditions, "name_prefix"), query.limit)
        found = {each.id: each for each in (*by_id, *by_name)}
        return sorted(found.values(), key=lambda each: -each.sequence)[: query.limit]

    def _runs_of(self, values: Values, conditions: tuple[str, ...], limit: int) -> list[RunRecord]:
        database = self.database
        with database.reading() as cursor:
            database.statements.run(cursor, {**values, "limit": limit}, page_of_runs, conditions)
            found = cursor.fetchall()
        return [rows.run_record(row) for row in found]

    def _unfinished(self, query: RunQuery) -> list[RunRecord]:
        """Return a page of runs that are pending, running or interrupted: a matter of who lives."""
        found: list[RunRecord] = []
        before = query.before
        while len(found) < query.limit:
            asked = replace(query, before=before)
            parts = [self._page(asked, status) for status in _UNFINISHED]
            page = list(islice(merge(*parts, key=lambda each: -each.sequence), query.limit))
            found += [each for each in self._settled(page) if each.status is query.status]
            if len(page) < query.limit:
                break
            before = page[-1].sequence
        return found[: query.limit]

    def _settled(self, runs: list[RunRecord]) -> list[RunRecord]:
        """Return the runs with those that are unfinished and held by nobody as interrupted.

        Who is found without a holder may have ended since it was read: so it is read again, and only a
        run that is the same in both readings was interrupted.
        """
        suspects = {each.id: each for each in runs if not each.status.ended}
        if not suspects:
            return runs
        final: dict[str, RunRecord] = {}
        while suspects:
            held = self.held(list(suspects))
            again = {
                each.id: each
                for key in suspects.keys() - held
                for each in self._runs_of({"at_id": key}, ("id",), 1)
            }
            final |= {key: each for key, each in suspects.items() if key in held or key not in again}
            changed = {}
            for key, each in again.items():
                if each.status.ended:
                    final[key] = each
                elif each.epoch == suspects[key].epoch:
                    final[key] = each.model_copy(update={"status": Status.INTERRUPTED})
                else:
                    changed[key] = each
            suspects = changed
        return [final.get(each.id, each) for each in runs]

    @persistent
    def plan(self, digest: str) -> bytes | None:
        found = self._rows({"at_digest": digest}, "plans", ("content",), ("digest",))
        return str(found[0][0]).encode() if found else None

    @persistent
    def pipelines(self) -> list[tuple[str, int, int]]:
        database = self.database
        with database.reading() as cursor:
            found = database.statements.run(cursor, {}, runs_by_pipeline).fetchall()
        return [(name, count, started) for name, count, started in found]

    @persistent
    def steps(self, run_id: str) -> list[StepRunRecord]:
        found = self._rows({"at_run_id": run_id}, "step_runs", rows.STEP_RUN, ("run_id",), "sequence")
        return [rows.step_run_record(row) for row in found]

    @persistent
    def attempts(self, run_id: str, step: str | None = None) -> list[AttemptRecord]:
        return [rows.attempt_record(row) for row in self._of_step(run_id, step, "attempts", rows.ATTEMPT)]

    @persistent
    def metrics(self, run_id: str, step: str | None = None) -> list[MetricRecord]:
        return [rows.metric_record(row) for row in self._of_step(run_id, step, "metrics", rows.METRIC)]

    def _of_step(self, run_id: str, step: str | None, table: str, columns: tuple[str, ...]) -> Sequence[Row]:
        key = ("run_id",) if step is None else ("run_id", "step")
        return self._rows({"at_run_id": run_id, "at_step": step}, table, columns, key, "sequence")

    @persistent
    def artifacts(self, query: ArtifactQuery) -> list[ArtifactRecord]:
        asked = {
            "run_id": query.run_id,
            "step": query.step,
            "output": query.output,
            "pipeline": query.pipeline,
            "type": query.type,
            "type_prefix": None if query.type is None else query.type[:TYPE_PREFIX],
        }
        values: Values = {f"at_{name}": value for name, value in asked.items() if value is not None}
        conditions = [name for name, value in asked.items() if value is not None]
        if query.before is not None:
            conditions.append("before")
        if query.prefix is not None:
            conditions.append("id_prefix")
            values |= {"from": query.prefix, "to": query.prefix + _LAST}
        values |= {"before": query.before, "limit": query.limit}
        database = self.database
        with database.reading() as cursor:
            database.statements.run(cursor, values, page_of_artifacts, tuple(conditions))
            found = cursor.fetchall()
        return [rows.artifact_record(row) for row in found]

    @persistent
    def artifacts_by_id(self, ids: Iterable[str]) -> dict[str, ArtifactRecord]:
        database = self.database
        with database.reading() as cursor:
            return _artifacts(database, cursor, list(dict.fromkeys(ids)))

    @persistent
    def unreferenced(self, *, before: str | None = None, limit: int = 100) -> list[ArtifactRecord]:
        conditions = () if before is None else ("before",)
        database = self.database
        with database.reading() as cursor:
            values = {"before": before, "limit": limit}
            found = database.statements.run(cursor, values, page_of_unreferenced, conditions).fetchall()
        return [rows.artifact_record(row) for row in found]

    @persistent
    def consumers(self, artifact_id: str) -> list[StepRunRecord]:
        database = self.database
        values = {"at_artifact_id": artifact_id, "at_kind": "input"}
        with database.reading() as cursor:
            found = database.statements.run(cursor, values, readers_of_artifact).fetchall()
        return [rows.step_run_record(row) for row in found]

    @persistent
    def count(self) -> Mapping[str, int]:
        database = self.database
        found = {}
        with database.reading() as cursor:
            for table in ("runs", "step_runs", "attempts", "artifacts", "metrics", "plans"):
                found[table] = int(database.statements.run(cursor, {}, size_of, table).fetchall()[0][0])
        return found

    def _rows(
        self,
        values: Values,
        table: str,
        columns: tuple[str, ...],
        key: tuple[str, ...],
        order: str | None = None,
    ) -> Sequence[Row]:
        database = self.database
        with database.reading() as cursor:
            return database.statements.run(cursor, values, pick, table, columns, key, order).fetchall()


def _artifacts(database: Database, cursor: DBAPICursor, wanted: Sequence[str]) -> dict[str, ArtifactRecord]:
    found: list[Row] = []
    for start in range(0, len(wanted), CHUNK):
        size, values = any_of(wanted[start : start + CHUNK])
        database.statements.run(cursor, values, pick_any, "artifacts", rows.ARTIFACT, (), "id", size)
        found += cursor.fetchall()
    return {row[0]: rows.artifact_record(row) for row in found}

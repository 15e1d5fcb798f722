"""Recording: how facts of a run become rows, once each, inside a transaction that holds the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.metadata_store import Facts, Lease
from dovetail.components.sql import rows
from dovetail.components.sql.rows import Row, Values
from dovetail.components.sql.statements import (
    CHUNK,
    Statements,
    alter,
    any_of,
    keep,
    keep_any,
    lease_for_update,
    pick,
    pick_any,
    put_in,
    seize_any,
    take_out,
)
from dovetail.errors import LeaseError, StoreError
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord

_GOOD = {str(status) for status in Status if status.good}
_LEASE = ("run_id", "epoch", "owner", "taken")
LINK = ("artifact_id", "run_id", "step", "kind", "name")
_STEP_RUN = rows.STEP_RUN[2:]
_RUN = tuple(name for name in rows.RUN if name != "sequence")
_RESUMED = tuple(name for name in _RUN if name not in {"id", "started"})
_ENDED = tuple(
    name for name in _RESUMED if name not in {"epoch", "name", "pipeline", "plan_digest", "parent"}
)
_STORED_ARTIFACT = (*rows.ARTIFACT, "pipeline", "type_prefix")


class Recorder:
    """Writes the facts of one run; lives as long as one transaction."""

    def __init__(self, cursor: DBAPICursor, run: Statements, run_id: str) -> None:
        self._cursor = cursor
        self._run = run
        self._run_id = run_id
        self._key = {"at_run_id": run_id}
        self._pipeline: str | None = None

    def take(self, owner: str, taken: int) -> int:
        """Note that the run has a new holder; return its epoch."""
        row = next(iter(self._all(self._key, lease_for_update)), None)
        epoch = row[0] + 1 if row else 1
        values = {"run_id": self._run_id, "epoch": epoch, "owner": owner, "taken": taken}
        if row:
            self._run.run(self._cursor, {**values, **self._key}, alter, "leases", _LEASE[1:], ("run_id",))
        else:
            self._run.run(self._cursor, values, put_in, "leases", _LEASE)
        return int(epoch)

    def check(self, lease: Lease, *, begun: bool = True) -> None:
        """Refuse a lease that was taken over; unless `begun` is false, also a run that is not there.

        Raises:
            LeaseError: somebody took the run since, it was deleted, or never begun.
        """
        row = next(iter(self._all(self._key, lease_for_update)), None)
        if row is None or row[0] != lease.epoch:
            found = f"its epoch is {row[0]}" if row else "it is not there any more"
            raise LeaseError(
                f"cannot write to run {self._run_id!r} under epoch {lease.epoch}: {found}",
                hint="another process took the run over; what this one still does is not recorded",
            )
        if begun and row[1] is None:
            raise LeaseError(f"cannot write to run {self._run_id!r}: it was never begun")
        self._pipeline = row[1]

    def begin(self, run: RunRecord, plan: bytes) -> int:
        """Write the run and its plan; return its sequence number."""
        kept = {"at_digest": run.plan_digest}
        if not self._all(kept, keep, "plans", "digest") and plan:
            values = {"digest": run.plan_digest, "content": plan.decode()}
            self._run.run(self._cursor, values, put_in, "plans", ("digest", "content"))
        values = rows.run_values(run)
        known = self._sequence()
        if known is None:
            self._run.run(self._cursor, values, put_in, "runs", _RUN)
            known = self._sequence()
        else:
            before = self._plans_of_run()
            self._run.run(self._cursor, {**values, "at_id": run.id}, alter, "runs", _RESUMED, ("id",))
            self._forget_plans([each for each in before if each[0] != run.plan_digest])
        if known is None:
            raise StoreError(f"run {run.id!r} was written and is not there", hint="check the database")
        return known

    def finish(self, run: RunRecord) -> None:
        """Write how the run ended."""
        values = {**rows.run_values(run), "at_id": run.id}
        self._run.run(self._cursor, values, alter, "runs", _ENDED, ("id",))

    def record(self, facts: Facts) -> None:
        """Write steps, attempts, artifacts and metrics; what ended well before stays as it is."""
        self._check_owner(facts)
        self._check_outputs(facts)
        self._steps({each.step: each for each in facts.steps}, reopened=facts.reopened)
        self._attempts({each.id: each for each in facts.attempts})
        self._artifacts({each.id: each for each in facts.artifacts})
        self._metrics(facts.metrics)

    def _check_outputs(self, facts: Facts) -> None:
        """Refuse steps that have outputs of earlier runs which were deleted since they were looked up."""
        made = {each.id for each in facts.artifacts}
        wanted = {
            artifact: step.step
            for step in facts.steps
            if step.status is Status.CACHED
            for artifact in step.outputs.values()
            if artifact not in made
        }
        there = set(self._kept(list(wanted)))
        if gone := [step for artifact, step in wanted.items() if artifact not in there]:
            raise StoreError(
                f"step {gone[0]!r} was to have an output of an earlier run, which was deleted a moment ago",
                hint="going on with the run computes it anew",
            )

    def _check_owner(self, facts: Facts) -> None:
        for part in (facts.steps, facts.attempts, facts.artifacts, facts.metrics):
            for each in part:
                if each.run_id != self._run_id:
                    raise LeaseError(f"facts of run {each.run_id!r} under the lease of run {self._run_id!r}")

    def _steps(self, steps: dict[str, StepRunRecord], reopened: Sequence[str]) -> None:
        """Write step runs and their links, but for those that had ended well before and still hold."""
        if not steps:
            return
        names = ("step", "status", "inputs", "outputs")
        before = {row[0]: row for row in self._existing("step_runs", names, "step", list(steps))}
        settled = {step for step, row in before.items() if row[1] in _GOOD}.difference(reopened)
        fresh, changed = [], []
        for step in steps.values():
            values = rows.step_run_values(step)
            if step.step not in before:
                fresh.append(values)
            elif step.step not in settled:
                changed.append({**values, **self._key, "at_step": step.step})
        self._run.run_many(self._cursor, fresh, put_in, "step_runs", rows.STEP_RUN)
        self._run.run_many(self._cursor, changed, alter, "step_runs", _STEP_RUN, ("run_id", "step"))
        self._links(before, [each for each in steps.values() if each.step not in settled])

    def _links(self, before: dict[str, Row], steps: list[StepRunRecord]) -> None:
        """Keep the links from artifacts to the step runs that read or have them."""
        missing, stale = [], []
        for step in steps:
            wanted = links_of(step.step, step.inputs, step.outputs)
            if (row := before.get(step.step)) is None:
                missing += wanted
                continue
            there = links_of(step.step, json.loads(row[2]), json.loads(row[3]))
            missing += [each for each in wanted if each not in there]
            stale += [each for each in there if each not in wanted]
        gone = [
            {f"at_{name}": value for name, value in zip(LINK, self._link(each), strict=True)}
            for each in stale
        ]
        new = [dict(zip(LINK, self._link(each), strict=True)) for each in missing]
        self._run.run_many(self._cursor, gone, take_out, "links", LINK)
        self._run.run_many(self._cursor, new, put_in, "links", LINK)

    def _link(self, link: tuple[str, str, str, str]) -> tuple[str, str, str, str, str]:
        artifact, step, kind, name = link
        return (artifact, self._run_id, step, kind, name)

    def _attempts(self, attempts: dict[str, AttemptRecord]) -> None:
        values = {key: rows.attempt_values(each) for key, each in attempts.items()}
        self._put("attempts", rows.ATTEMPT, values)

    def _artifacts(self, artifacts: dict[str, ArtifactRecord]) -> None:
        pipeline = self._pipeline or ""
        values = {key: rows.artifact_values(each, pipeline) for key, each in artifacts.items()}
        self._put("artifacts", _STORED_ARTIFACT, values)

    def _put(self, table: str, columns: tuple[str, ...], values: dict[str, Values]) -> None:
        """Insert what is not there and update what is, by id."""
        if not values:
            return
        known = {row[0] for row in self._existing(table, ("id",), "id", list(values))}
        fresh = [each for key, each in values.items() if key not in known]
        changed = [{**each, "at_id": key} for key, each in values.items() if key in known]
        self._run.run_many(self._cursor, fresh, put_in, table, columns)
        self._run.run_many(self._cursor, changed, alter, table, columns[1:], ("id",))

    def _metrics(self, metrics: list[MetricRecord]) -> None:
        """Insert the values that are not there yet."""
        if not metrics:
            return
        known: set[Row] = set()
        for step in {each.step for each in metrics}:
            key = {**self._key, "at_step": step}
            known.update(map(tuple, self._all(key, pick, "metrics", rows.METRIC, ("run_id", "step"))))
        values = [rows.metric_values(each) for each in metrics]
        if known:
            values = [each for each in values if tuple(each[name] for name in rows.METRIC) not in known]
        self._run.run_many(self._cursor, values, put_in, "metrics", rows.METRIC)

    def forget(self) -> None:
        """Delete the run, and the artifacts and the plan that no other run refers to."""
        steps = self._all(self._key, pick, "step_runs", ("step", "inputs", "outputs"), ("run_id",))
        made = self._all(self._key, pick, "artifacts", ("id",), ("run_id",))
        plans = self._plans_of_run()
        linked = {
            artifact
            for row in steps
            for artifact, *_ in links_of(row[0], json.loads(row[1]), json.loads(row[2]))
        }
        keys = [{"at_artifact_id": artifact, **self._key} for artifact in sorted(linked)]
        self._run.run_many(self._cursor, keys, take_out, "links", ("artifact_id", "run_id"))
        for table in ("step_runs", "attempts", "metrics", "leases"):
            self._run.run(self._cursor, self._key, take_out, table, ("run_id",))
        self._run.run(self._cursor, {"at_id": self._run_id}, take_out, "runs", ("id",))
        for artifact in sorted(linked.union(row[0] for row in made)):
            self._forget_artifact(artifact)
        self._forget_plans(plans)

    def _plans_of_run(self) -> Sequence[Row]:
        return self._all({"at_id": self._run_id}, pick, "runs", ("plan_digest",), ("id",))

    def _forget_plans(self, plans: Sequence[Row]) -> None:
        """Delete those of the plans that no run refers to."""
        for (digest,) in plans:
            self._seize("plans", "digest", digest)
            if not self._all({"at_plan_digest": digest}, pick, "runs", ("id",), ("plan_digest",)):
                self._run.run(self._cursor, {"at_digest": digest}, take_out, "plans", ("digest",))

    def _forget_artifact(self, artifact: str) -> None:
        """Delete the artifact if no run refers to it and its own run is gone."""
        self._seize("artifacts", "id", artifact)
        if self._all({"at_artifact_id": artifact}, pick, "links", ("run_id",), ("artifact_id",)):
            return
        for (owner,) in self._all({"at_id": artifact}, pick, "artifacts", ("run_id",), ("id",)):
            if not self._all({"at_id": owner}, pick, "runs", ("id",), ("id",)):
                self._run.run(self._cursor, {"at_id": artifact}, take_out, "artifacts", ("id",))

    def _seize(self, table: str, column: str, value: str) -> None:
        """Wait until nobody else is about to refer to a row, and see that nobody begins to."""
        self._all({"any_0": value}, seize_any, table, column, 1)

    def _kept(self, artifacts: list[str]) -> Iterable[str]:
        """Yield those of the artifacts that are there, and stay until the transaction ends."""
        for start in range(0, len(artifacts), CHUNK):
            size, values = any_of(sorted(artifacts)[start : start + CHUNK])
            yield from (row[0] for row in self._all(values, keep_any, "artifacts", "id", size))

    def _existing(self, table: str, columns: tuple[str, ...], among: str, wanted: list[str]) -> Iterable[Row]:
        """Yield the rows of this run (or, by id, of any) whose column `among` is one of `wanted`."""
        key = () if among == "id" else ("run_id",)
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            size, values = any_of(part)
            yield from self._all({**values, **self._key}, pick_any, table, columns, key, among, size)

    def _sequence(self) -> int | None:
        found = self._all({"at_id": self._run_id}, pick, "runs", ("sequence",), ("id",))
        return int(found[0][0]) if found else None

    def _all(
        self,
        values: Values,
        build: Callable[..., ClauseElement],
        *choice: Any,
    ) -> Sequence[Row]:
        return self._run.run(self._cursor, values, build, *choice).fetchall()


def forget_unreferenced(cursor: DBAPICursor, run: Statements, ids: Sequence[str]) -> set[str]:
    """Delete those of the artifacts that no step run has or reads; return their ids."""
    forgotten: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        size, values = any_of(ids[start : start + CHUNK])
        known = run.run(cursor, values, seize_any, "artifacts", "id", size).fetchall()
        linked = run.run(cursor, values, pick_any, "links", ("artifact_id",), (), "artifact_id", size)
        loose = {row[0] for row in known} - {row[0] for row in linked.fetchall()}
        run.run_many(cursor, [{"at_id": each} for each in sorted(loose)], take_out, "artifacts", ("id",))
        forgotten |= loose
    return forgotten


def links_of(step: str, inputs: dict[str, str], outputs: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Return artifact, step, kind and name of every input and output of a step run."""
    read = [(artifact, step, "input", name) for name, artifact in inputs.items()]
    return read + [(artifact, step, "output", name) for name, artifact in outputs.items()]

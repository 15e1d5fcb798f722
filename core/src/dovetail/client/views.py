"""Views of what happened: read-only, filled when asked, a snapshot of the moment they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from dovetail.client.lineage import downstream, upstream
from dovetail.client.logs import Log
from dovetail.client.metrics import last_values, metrics_of_step
from dovetail.client.records import Records
from dovetail.errors import NotFoundError, StepError, UsageError, did_you_mean
from dovetail.materializers.artifacts import load_artifact
from dovetail.materializers.intact import verify_artifact
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef, Plan, StepPlan
from dovetail.records.record import moment
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord


def _moment(time: int | None) -> datetime | None:
    return None if time is None else moment(time)


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f", {seconds:.3g} s"


class RunView:
    """A run: what it ran, on what, and what became of it.

    A run that was going on when it was fetched stays as it was then; `refresh()` gives it as it is now.
    """

    def __init__(self, records: Records, record: RunRecord) -> None:
        self.records = records
        self.record = record
        self._known: dict[str, ArtifactRecord] = {}

    @property
    def id(self) -> str:
        """The opaque id."""
        return self.record.id

    @property
    def name(self) -> str:
        """The name, for people."""
        return self.record.name

    @property
    def pipeline(self) -> str:
        """The name of the pipeline."""
        return self.record.pipeline

    @property
    def status(self) -> Status:
        """What became of it; `interrupted` where its process died."""
        return self.record.status

    @property
    def started(self) -> datetime:
        """When it began, in UTC."""
        return moment(self.record.started)

    @property
    def finished(self) -> datetime | None:
        """When it ended, in UTC; None while it runs."""
        return _moment(self.record.finished)

    @property
    def duration(self) -> float | None:
        """How many seconds it took; None while it runs."""
        return self.record.duration

    @property
    def stack(self) -> str:
        """The name of the stack it ran on; `record.stack` has its components."""
        return self.record.stack.name

    @property
    def commit(self) -> str | None:
        """The git commit of the code, None without git."""
        return self.record.commit

    @property
    def dirty(self) -> bool | None:
        """Whether the code had changes that were not committed, None without git."""
        return self.record.dirty

    @property
    def versions(self) -> dict[str, str]:
        """Versions of Python and of the libraries it ran with."""
        return dict(self.record.versions)

    @property
    def error(self) -> str | None:
        """Why it did not complete."""
        return self.record.error

    @cached_property
    def plan(self) -> Plan:
        """The compiled pipeline it ran."""
        return self.records.plan(self.record.plan_digest)

    @cached_property
    def steps(self) -> Mapping[str, StepView]:
        """All steps by name in the order of the plan, also those that have not started."""
        recorded = self.records.steps(self.id, ended=self.status.ended)
        return {each.name: StepView(self, each, recorded.get(each.name)) for each in self.plan.steps}

    def step(self, name: str) -> StepView:
        """Return one step.

        Raises:
            NotFoundError: the run has no such step.
        """
        if name not in self.steps:
            raise NotFoundError(
                f"run {self.name!r} has no step {name!r}", hint=did_you_mean(name, list(self.steps))
            )
        return self.steps[name]

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters of the steps, by step and name."""
        return {name: step.parameters for name, step in self.steps.items() if step.parameters}

    @cached_property
    def outputs(self) -> Mapping[str, ArtifactView]:
        """All artifacts the run has, by `step.output`."""
        recorded = (each.record for each in self.steps.values() if each.record)
        return self.artifacts(
            {f"{step.step}.{key}": each for step in recorded for key, each in step.outputs.items()}
        )

    def artifacts(self, ids: Mapping[str, str]) -> dict[str, ArtifactView]:
        """Return the artifacts of these ids under the same keys, as far as they are there."""
        known = self._known
        if missing := [each for each in ids.values() if each not in known]:
            known |= self.records.metadata.artifacts_by_id(missing)
        return {key: ArtifactView(self.records, known[each]) for key, each in ids.items() if each in known}

    @cached_property
    def metrics(self) -> Mapping[str, dict[str, float]]:
        """The last value of each metric, by step and name; of cached steps that of the run they come from."""
        cached = {name: step.metrics for name, step in self.steps.items() if step.cached}
        found = last_values(self.records.metadata.metrics(self.id))
        return found | {name: values for name, values in cached.items() if values}

    def refresh(self) -> RunView:
        """Return the run as it is now.

        Raises:
            NotFoundError: it was deleted.
        """
        found = self.records.metadata.run(self.id)
        if found is None:
            raise NotFoundError(f"run {self.name!r} is not there any more", hint="it was deleted")
        return RunView(self.records, found)

    def __repr__(self) -> str:
        return f"<run {self.name!r}: {self.status}{_took(self.duration)}>"


class StepView:
    """A step of a run. `record` is None while the step is pending, `plan` is what was to be done."""

    def __init__(self, run: RunView, plan: StepPlan, record: StepRunRecord | None) -> None:
        self.run = run
        self.plan = plan
        self.record = record

    @property
    def name(self) -> str:
        """The name, unique in the pipeline."""
        return self.plan.name

    @property
    def status(self) -> Status:
        """What became of it; `interrupted` where the run's process died while it ran."""
        if self.record is None:
            return Status.PENDING
        lost = self.run.status is Status.INTERRUPTED and not self.record.status.ended
        return Status.INTERRUPTED if lost else self.record.status

    @property
    def cached(self) -> bool:
        """Whether its outputs are those of an earlier run."""
        return self.status is Status.CACHED

    @property
    def started(self) -> datetime | None:
        """When it began, in UTC."""
        return _moment(self.record.started) if self.record else None

    @property
    def finished(self) -> datetime | None:
        """When it ended, in UTC."""
        return _moment(self.record.finished) if self.record else None

    @property
    def duration(self) -> float | None:
        """How many seconds it took."""
        return self.record.duration if self.record else None

    @property
    def error(self) -> str | None:
        """What it failed with."""
        return self.record.error if self.record else None

    @property
    def parameters(self) -> dict[str, Any]:
        """The values it was given besides its inputs."""
        return dict(self.plan.parameters)

    @cached_property
    def inputs(self) -> Mapping[str, ArtifactView]:
        """The artifacts it read, by the name of the input."""
        return self.run.artifacts(self.record.inputs if self.record else {})

    @cached_property
    def outputs(self) -> Mapping[str, ArtifactView]:
        """The artifacts it has made, or has from an earlier run, by the name of the output."""
        recorded = self.record.outputs if self.record else {}
        names = [each.name for each in self.plan.outputs if each.name in recorded]
        return self.run.artifacts({name: recorded[name] for name in names})

    @property
    def output(self) -> ArtifactView:
        """The only output.

        Raises:
            StepError: the step has not ended well.
            UsageError: it has none, or several.
        """
        names = [each.name for each in self.plan.outputs]
        if len(names) != 1:
            raise UsageError(
                f"step {self.name!r} has {len(names)} outputs: {', '.join(names) or 'none'}",
                hint="say which: step.outputs[name]" if names else None,
            )
        if names[0] not in self.outputs:
            raise StepError(
                f"step {self.name!r} of run {self.run.name!r} has no output: it is {self.status}",
                hint=self.error or f"see `dovetail run show {self.run.name}`",
            )
        return self.outputs[names[0]]

    @cached_property
    def attempts(self) -> list[AttemptRecord]:
        """All tries, oldest first."""
        return self.run.records.metadata.attempts(self.run.id, self.name)

    @cached_property
    def metric_history(self) -> list[MetricRecord]:
        """Every value that was logged, in order."""
        return metrics_of_step(self.run.records, self.run.id, self.name, self.record)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {each.name: each.value for each in self.metric_history}

    @property
    def logs(self) -> str:
        """What the last attempt wrote to its standard output and error."""
        return self.log()

    def log(self, attempt: int | None = None) -> str:
        """Return what an attempt wrote, by its number; the last one by default. Empty where nothing was."""
        chosen = [each for each in self.attempts if attempt in {None, each.number}]
        if chosen:
            store = self.run.records.artifacts_of(self.run.record.stack)
            return Log(store, chosen[-1]).read().decode("utf-8", "replace")
        if attempt is None:
            return ""
        raise NotFoundError(
            f"step {self.name!r} of run {self.run.name!r} has no attempt {attempt}",
            hint=f"it has {len(self.attempts)}",
        )

    def __repr__(self) -> str:
        return f"<step {self.name!r}: {self.status}{_took(self.duration)}>"


class ArtifactView:
    """A stored value: what is known of it, where it comes from, what became of it, and the value itself."""

    def __init__(self, records: Records, record: ArtifactRecord) -> None:
        self._records = records
        self.record = record

    @property
    def id(self) -> str:
        """The opaque id."""
        return self.record.id

    @property
    def name(self) -> str:
        """The name of the output it is."""
        return self.record.output

    @property
    def step(self) -> str:
        """The name of the step that made it."""
        return self.record.step

    @property
    def run_id(self) -> str:
        """The id of the run that made it."""
        return self.record.run_id

    @property
    def type(self) -> str:
        """The declared type, as text."""
        return self.record.type

    @property
    def size(self) -> int:
        """The sum over its files, in bytes."""
        return self.record.size

    @property
    def digest(self) -> str:
        """The digest of its manifest: equal for equal content."""
        return self.record.digest

    @property
    def summary(self) -> dict[str, Any]:
        """What its materializer says of the value: shape, rows, ..."""
        return dict(self.record.summary)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the step said of it."""
        return dict(self.record.metadata)

    @property
    def created(self) -> datetime:
        """When it was made, in UTC."""
        return moment(self.record.created)

    def load(self, annotation: Any = None) -> Any:  # noqa: ANN401 - any value
        """Return the value.

        Classes of it are looked for in loaded modules; `annotation` says which is meant where need be.

        Raises:
            ArtifactError: it is missing or damaged; nothing was read then.
            MaterializerError: it holds something of a class that is not loaded.
        """
        store, planned = self._records.store_of(self.record), self._planned()
        reference = self.record.materializer if planned is None else planned
        materializer = self._records.materializers.load(reference, [] if planned is None else [planned])
        return load_artifact(store, self.record, annotation, materializer, reference)

    def read(self, annotation: Any = None) -> Any:  # noqa: ANN401 - any value
        """Return the value; the classic name of `load`."""
        return self.load(annotation)

    def _planned(self) -> MaterializerRef | None:
        """Return what the plan of its run says how it is stored; None where the run is gone."""
        run = self._records.metadata.run(self.run_id)
        if run is None:
            return None
        steps = {each.name: each for each in self._records.plan(run.plan_digest).steps}
        outputs = steps[self.step].outputs if self.step in steps else ()
        return next((each.materializer for each in outputs if each.name == self.name), None)

    def verify(self) -> list[str]:
        """Return what is wrong with its files, one line each; empty where all is well."""
        return verify_artifact(self._records.store_of(self.record), self.record)

    @property
    def producer(self) -> StepView | None:
        """The step that made it; None where its run was deleted."""
        return self._step(self.run_id, self.step)

    @property
    def consumers(self) -> list[StepView]:
        """The steps of all runs that have read it."""
        found = (self._step(each.run_id, each.step) for each in self._records.metadata.consumers(self.id))
        return [each for each in found if each is not None]

    def _step(self, run_id: str, name: str) -> StepView | None:
        run = self._records.metadata.run(run_id)
        return None if run is None else RunView(self._records, run).steps.get(name)

    def upstream(self) -> list[ArtifactView]:
        """Return all artifacts that this one was made from, the nearest first."""
        return [ArtifactView(self._records, each) for each in upstream(self._records, self.record)]

    def downstream(self) -> list[ArtifactView]:
        """Return all artifacts that were made from this one, in any run, the nearest first."""
        return [ArtifactView(self._records, each) for each in downstream(self._records, self.record)]

    def __repr__(self) -> str:
        return f"<artifact {self.step}.{self.name}: {self.type}, {self.size} bytes>"

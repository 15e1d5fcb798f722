"""Provision: outputs of earlier runs stand in for those of steps that a partial run does not execute."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dovetail.client import Client, RunView
from dovetail.errors import PlanError
from dovetail.execution.beginning.adoption import Settled, intact
from dovetail.execution.beginning.revision import changes_of
from dovetail.execution.beginning.selection import graph_of
from dovetail.planning.graph import upstream
from dovetail.records.plan import Plan, StepPlan
from dovetail.records.record import now
from dovetail.records.run import Status, StepRunRecord


@dataclass(slots=True)
class Provision:
    """What stands in, by step, and what a person should know of it."""

    settled: dict[str, Settled] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Provider:
    """Finds outputs for the steps that a run of `plan` does not execute.

    `base` is the run they come from; without it each comes from the newest run of the pipeline that has it.
    The run `run_id` itself is none of them, and neither are replays, which somebody made to look closer.
    """

    def __init__(self, client: Client, plan: Plan, run_id: str, base: RunView | None = None) -> None:
        self._client = client
        self._plan = plan
        self._run_id = run_id
        self._base = base
        self._steps = {step.name: step for step in plan.steps}
        self._graph = graph_of(plan)

    def provide(self, readers: Mapping[str, Collection[str]], running: Collection[str]) -> Provision:
        """Return the outputs of the steps in `readers`, which name the steps that read them.

        Raises:
            PlanError: no run has an output that is needed, or has it unharmed.
        """
        found = Provision()
        missing: dict[str, str | None] = dict.fromkeys(readers)
        for run in self._runs():
            if not missing:
                break
            for name, settled, why in self._of(run, list(missing)):
                if settled is None:
                    missing[name] = missing[name] or f"in run {run.name!r} {why}"
                    continue
                del missing[name]
                found.settled[name] = settled
                found.notes.append(self._note(name, run, running))
        if missing:
            raise self._nothing(missing, readers)
        return found

    def _runs(self) -> Iterable[RunView]:
        if self._base is not None:
            return [self._base]
        runs = self._client.runs(self._plan.pipeline)
        return (run for run in runs if run.id != self._run_id and not run.record.parent)

    def _of(self, run: RunView, names: list[str]) -> Iterator[tuple[str, Settled | None, str]]:
        """Yield which of the steps the run has completed: what it has of them, or why that is of no use."""
        metadata, store = self._client.records.metadata, self._client.records.artifacts
        recorded = {each.step: each for each in metadata.steps(run.id)}
        for name in names:
            record = recorded.get(name)
            if record is None or not record.status.good:
                continue
            artifacts, why = intact(self._steps[name], record, metadata, store)
            stands_in = StepRunRecord(
                run_id=self._run_id,
                step=name,
                status=Status.CACHED,
                started=now(),
                finished=now(),
                duration=0.0,
                cached_from=record.cached_from or run.id,
                outputs={output: each.id for output, each in artifacts.items()},
                parameters=record.parameters,
            )
            yield name, None if why else Settled(stands_in, artifacts), why or ""

    def _note(self, name: str, run: RunView, running: Collection[str]) -> str:
        said = f"step {name!r} is not run, its output is that of run {run.name!r}"
        changed = self._changed_since(name, run, running)
        return f"{said}; changed since: {', '.join(changed)}" if changed else said

    def _changed_since(self, name: str, run: RunView, running: Collection[str]) -> list[str]:
        """Say what of a step, and of the steps before it, is not as it was when its output was made."""
        changed: list[str] = []
        for step in self._made_by(run, name):
            now = self._steps.get(step.name)
            if now is None:
                continue
            lines = changes_of(now, step)
            if now.inputs != step.inputs:
                lines.append("its inputs are those of other steps")
            if lines:
                changed += lines if step.name == name else [f"step {step.name!r} before it"]
        before = upstream(self._graph, [name])
        return changed + [f"step {each!r} before it is run anew" for each in running if each in before]

    def _made_by(self, run: RunView, name: str) -> Iterator[StepPlan]:
        """Yield the step and all before it as they were, through the runs whose outputs stood in there."""
        pending, seen = [(run, name)], {(run.id, name)}
        while pending:
            run, name = pending.pop()
            step = run.steps.get(name)
            if step is None:
                continue
            if step.record is not None and step.record.cached_from and not step.record.key:
                origin = self._client.records.metadata.run(step.record.cached_from)
                found = [] if origin is None else [(RunView(run.records, origin), name)]
            else:
                yield step.plan
                found = [(run, each.step) for each in step.plan.inputs.values()]
            for each in found:
                if (each[0].id, each[1]) not in seen:
                    seen.add((each[0].id, each[1]))
                    pending.append(each)

    def _nothing(
        self, missing: Mapping[str, str | None], readers: Mapping[str, Collection[str]]
    ) -> PlanError:
        place = f"run {self._base.name!r}" if self._base else f"no run of pipeline {self._plan.pipeline!r}"
        has = "has no output of it" if self._base else "has an output of it"
        said = []
        for name, why in missing.items():
            reader = min(readers[name])
            said.append(
                f"step {name!r} is not to be run, step {reader!r} reads its output, and {place} {has}"
                + (f" that can be used: {why}" if why else "")
            )
        flags = " ".join(f"--from {name}" for name in missing)
        return PlanError(
            "\n".join(said),
            hint=f"run it as well (for example {flags}), or name a run that has it: --base RUN",
        )

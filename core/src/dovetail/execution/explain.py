"""Why a step was computed or taken from the cache: its key held against that of another run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail.client import Client, RunView
from dovetail.errors import NotFoundError, did_you_mean
from dovetail.execution.cache import Difference, KeyParts, compare, uncacheable
from dovetail.materializers.intact import damage
from dovetail.planning.code_places import CodePlace, CodePlaces
from dovetail.records.plan import SourceRef, StepInput, StepPlan
from dovetail.records.run import Status

_INTERACTIVE = "typed into a cell or console"
_UNSTEADY = "what it gives is not always the same"


@dataclass(frozen=True, slots=True)
class Change:
    """A part of the key that differs, with where it stands, and for an input what became of its step."""

    difference: Difference
    place: CodePlace | None = None
    note: str = ""
    because: tuple[Change, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        part, place = self.difference, self.place
        return {
            "kind": part.kind,
            "name": part.name,
            "change": part.change,
            "was": part.was or None,
            "now": part.now or None,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "as_recorded": place.recorded if place else None,
            "note": self.note or None,
            "because": [each.document() for each in self.because],
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        where = self._where()
        note = f", {self.note}" if self.note else ""
        said = f"{self.difference}{f' ({where})' if where else ''}{note}"
        return [said, *(f"  {line}" for each in self.because for line in each.lines())]

    def _where(self) -> str:
        if self.place is None:
            return ""
        place = self.place
        if place.line is None and ":" in self.difference.name:
            return f"no longer in {place.file}"
        spot = place.file if place.line is None else f"{place.file}:{place.line}"
        return f"{spot} as it is now" if place.recorded is False else spot


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was found. `changed` lists parts of the key, `versions` what the key does not see."""

    run: str
    step: str
    status: str
    against: str | None
    verdict: str
    changed: list[Change] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "run": self.run,
            "step": self.step,
            "status": self.status,
            "against": self.against,
            "verdict": self.verdict,
            "changed": [each.document() for each in self.changed],
            "versions": self.versions,
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        said = [f"{self.run} {self.step}: {self.status}", f"  {self.verdict}"]
        said += [f"  {line}" for each in self.changed for line in each.lines()]
        if self.versions:
            said.append("  not part of the key, but different:")
            said += [f"    {each}" for each in self.versions]
        return said


def explain_step(client: Client, run: RunView, step: str, other: RunView | None) -> Explanation:
    """Hold the key of `step` against that of `other`, by default the latest earlier run that has the step.

    Raises:
        NotFoundError: no such step in the run.
    """
    plan = _step_of(run, step)
    view = run.step(step)
    if view.record is not None and view.record.cached_from and other is None:
        origin = client.records.metadata.run(view.record.cached_from)
        how = "it was not to run, its output is" if _was_left_out(run, step) else "its key equals"
        if origin is None:
            verdict = f"{how} that of a run that was deleted since"
            return Explanation(run.name, step, view.status, None, verdict)
        verdict = f"{how} that of run {origin.name}"
        return Explanation(run.name, step, view.status, origin.name, verdict)
    if (why := uncacheable(plan)) is not None:
        return Explanation(run.name, step, view.status, None, f"never taken from the cache: {why}")
    other = other or _before(client, run, step)
    if other is None:
        return Explanation(run.name, step, view.status, None, "no earlier run of this pipeline has the step")
    changed = _changes(run, other, step, near=True)
    return Explanation(
        run.name,
        step,
        view.status,
        other.name,
        _verdict(run, other, step, changed),
        changed,
        _versions(run, other),
    )


def _verdict(run: RunView, other: RunView, step: str, changed: list[Change]) -> str:
    if changed:
        return f"differs from run {other.name} in:"
    verdict = f"its key equals that of run {other.name}"
    if run.record.options.get("no_cache"):
        return f"{verdict}, but the run was told not to use the cache"
    there = other.step(step)
    if not there.status.good:
        return f"{verdict}, but the step was {there.status} there"
    store, elsewhere = (each.records.artifacts_of(each.record.stack) for each in (run, other))
    if store.address != elsewhere.address:
        return f"{verdict}, but what that one has lies in another artifact store"
    harmed = next((name for name, each in there.outputs.items() if damage(store, each.record)), None)
    return verdict if harmed is None else f"{verdict}, but its output {harmed!r} there is damaged"


def _step_of(run: RunView, step: str) -> StepPlan:
    steps = {each.name: each for each in run.plan.steps}
    if step not in steps:
        raise NotFoundError(f"run {run.name!r} has no step {step!r}", hint=did_you_mean(step, list(steps)))
    return steps[step]


def _before(client: Client, run: RunView, step: str) -> RunView | None:
    for each in client.runs(pipeline=run.pipeline, before=run.record.sequence):
        if any(known.name == step for known in each.plan.steps) and not _was_left_out(each, step):
            return each
    return None


def _was_left_out(run: RunView, step: str) -> bool:
    """Say whether a partial run did not choose a step, and knows nothing of its key therefore."""
    record = run.step(step).record
    return "selection" in run.record.options and record is not None and not record.key and not record.attempts


def _changes(run: RunView, other: RunView, step: str, *, near: bool) -> list[Change]:
    """Return where the keys of a step differ. Of a `near` one the steps before it are told each by itself."""
    return [_change(run, other, step, each, near=near) for each in _compared(run, other, step)]


def _compared(run: RunView, other: RunView, step: str) -> list[Difference]:
    mine, theirs = (_key_parts(each, _step_of(each, step)) for each in (run, other))
    shared = mine[0].inputs.keys() & theirs[0].inputs.keys()
    return [
        each
        for each in compare(mine, theirs)
        # An input that one of the two has not read, or whose record is deleted, says nothing.
        if each.kind != "input" or each.change == "changed" or each.name not in shared
    ]


def _change(run: RunView, other: RunView, step: str, part: Difference, *, near: bool) -> Change:
    if part.kind == "code":
        # What is gone stood in the code of the other run.
        shown = other if part.change == "gone" else run
        return _code_change(shown, _step_of(shown, step).source, part)
    if part.kind == "input" and part.change == "changed":
        return _input_change(run, other, step, part, near=near)
    return Change(part)


def _code_change(run: RunView, source: SourceRef, part: Difference) -> Change:
    if part.name.startswith("__main__:") or (
        source.path is None and part.name.startswith(f"{source.module}:") and source.module == "__main__"
    ):
        return Change(part, note=_INTERACTIVE)
    places = CodePlaces(Path(run.record.source_root), _sources(run))
    place = places.find(part.name, source.parts.get(part.name, ""))
    gone_but_there = part.change == "gone" and place is not None and place.line is not None
    return Change(part, place, "not used any more" if gone_but_there else "")


def _sources(run: RunView) -> Iterable[SourceRef]:
    return (each.source for each in run.plan.steps)


def _input_change(run: RunView, other: RunView, step: str, part: Difference, *, near: bool) -> Change:
    source, before = (_step_of(each, step).inputs.get(part.name) for each in (run, other))
    if source is None or before is None:
        return Change(part)
    if source != before:
        note = f"it is {source.step}.{source.output}, and was {before.step}.{before.output}"
        return Change(part, note=note)
    roots = {} if near else _roots(run, other, source.step)
    if near or roots.keys() == {source.step}:
        behind = tuple(_changes(run, other, source.step, near=False))
        note = _made(run, source.step, changed=bool(behind))
        return Change(part, note=f"{note}{':' if behind else ''}", because=behind)
    said = " and ".join(
        f"step {name!r}{'' if own else f' ({_unchanged(run, name)})'}" for name, own in roots.items()
    )
    behind = tuple(each for own in roots.values() for each in own)
    return Change(part, note=f"which goes back to {said}{':' if behind else ''}", because=behind)


def _roots(run: RunView, other: RunView, step: str) -> dict[str, list[Change]]:
    """Return the steps up the graph from which on results differ, with what changed in each but inputs."""
    found: dict[str, list[Change]] = {}
    seen, left = {step}, [step]
    while left:
        name = left.pop()
        parts = _compared(run, other, name)
        own = [each for each in parts if _source(run, other, name, each) is None]
        before = {source.step for each in parts if (source := _source(run, other, name, each))}
        if own or not before:
            found[name] = [_change(run, other, name, each, near=False) for each in own]
        left += sorted(before - seen, reverse=True)
        seen |= before
    return found


def _source(run: RunView, other: RunView, step: str, part: Difference) -> StepInput | None:
    """Return which output an input that has changed was read from, in both runs; None for other parts."""
    if part.kind != "input" or part.change != "changed":
        return None
    source, before = (_step_of(each, step).inputs.get(part.name) for each in (run, other))
    return source if source == before else None


def _made(run: RunView, step: str, *, changed: bool) -> str:
    """Say how a step came to give something else."""
    origin = _taken_from(run, step)
    if origin is not None:
        return f"since step {step!r} was taken from {origin}"
    said = f"since step {step!r} was computed anew"
    return said if changed else f"{said}, from an equal key: {_UNSTEADY}"


def _unchanged(run: RunView, step: str) -> str:
    origin = _taken_from(run, step)
    return _UNSTEADY if origin is None else f"taken from {origin}"


def _taken_from(run: RunView, step: str) -> str | None:
    """Return the run, in words, whose result a step was given; None where it was computed."""
    view = run.step(step)
    if view.status is not Status.CACHED or view.record is None:
        return None
    origin = run.records.metadata.run(view.record.cached_from or "")
    return "a run that was deleted since" if origin is None else f"run {origin.name}"


def _key_parts(run: RunView, plan: StepPlan) -> KeyParts:
    inputs = {name: artifact.digest for name, artifact in run.step(plan.name).inputs.items()}
    return plan, inputs, ".".join(run.record.versions.get("python", "").split(".")[:2])


def _versions(run: RunView, other: RunView) -> list[str]:
    mine, theirs = run.record.versions, other.record.versions
    names = sorted({*mine, *theirs})
    return [
        f"{name}: {theirs.get(name, '-')} -> {mine.get(name, '-')}"
        for name in names
        if mine.get(name) != theirs.get(name)
    ]

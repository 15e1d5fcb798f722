"""Why a step was computed or taken from the cache: its key held against that of another run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dovetail.client import Client, RunView
from dovetail.errors import NotFoundError, did_you_mean
from dovetail.execution.cache import differences, uncacheable
from dovetail.records.plan import StepPlan


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was found. `changed` lists parts of the key, `versions` what the key does not see."""

    run: str
    step: str
    status: str
    against: str | None
    verdict: str
    changed: list[str]
    versions: list[str]

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "run": self.run,
            "step": self.step,
            "status": self.status,
            "against": self.against,
            "verdict": self.verdict,
            "changed": self.changed,
            "versions": self.versions,
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        said = [f"{self.run} {self.step}: {self.status}", f"  {self.verdict}"]
        said += [f"  {each}" for each in self.changed]
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
        if origin is None:
            verdict = "its key equals that of a run that was deleted since"
            return Explanation(run.name, step, view.status, None, verdict, [], [])
        verdict = f"its key equals that of run {origin.name}"
        return Explanation(run.name, step, view.status, origin.name, verdict, [], [])
    if (why := uncacheable(plan)) is not None:
        return Explanation(run.name, step, view.status, None, f"never taken from the cache: {why}", [], [])
    other = other or _before(client, run, step)
    if other is None:
        return Explanation(
            run.name, step, view.status, None, "no earlier run of this pipeline has the step", [], []
        )
    changed = differences(_key_parts(run, plan), _key_parts(other, _step_of(other, step)))
    verdict = f"differs from run {other.name} in:" if changed else f"its key equals that of run {other.name}"
    if not changed and run.record.options.get("no_cache"):
        verdict += ", but the run was told not to use the cache"
    elif not changed and other.step(step).status not in {"completed", "cached"}:
        verdict += f", but the step was {other.step(step).status} there"
    return Explanation(run.name, step, view.status, other.name, verdict, changed, _versions(run, other))


def _step_of(run: RunView, step: str) -> StepPlan:
    steps = {each.name: each for each in run.plan.steps}
    if step not in steps:
        raise NotFoundError(f"run {run.name!r} has no step {step!r}", hint=did_you_mean(step, list(steps)))
    return steps[step]


def _before(client: Client, run: RunView, step: str) -> RunView | None:
    for each in client.runs(pipeline=run.pipeline, before=run.record.sequence):
        if any(known.name == step for known in each.plan.steps):
            return each
    return None


def _key_parts(run: RunView, plan: StepPlan) -> tuple[StepPlan, dict[str, str], str]:
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

"""Which steps will be taken from the cache, as far as that can be known before the run."""

from __future__ import annotations

from dovetail.components.metadata_store import MetadataStore
from dovetail.execution.beginning.outset import Outset
from dovetail.execution.cache import step_key
from dovetail.execution.supply import Supply
from dovetail.planning.graph import Frontier
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import StepPlan


def foreseen_hits(outset: Outset, metadata: MetadataStore, address: str) -> set[str]:
    """Return the steps for which the cache has results; whether these are damaged is not looked at."""
    plan = outset.plan
    steps = {step.name: step for step in plan.steps}
    supply, frontier = Supply(plan), Frontier({step.name: step.upstream() for step in plan.steps})
    for each in (*outset.adoption.settled.values(), *outset.left_out):
        frontier.take(each.record.step)
        supply.put(each.record.step, dict(each.artifacts))
        frontier.done(each.record.step)
    found = set()
    while frontier.ready:
        step = steps[frontier.ready.popleft()]
        if (artifacts := _cached(step, supply, metadata, address)) is not None:
            found.add(step.name)
            supply.put(step.name, artifacts)
            frontier.done(step.name)
    return found


def _cached(
    step: StepPlan, supply: Supply, metadata: MetadataStore, address: str
) -> dict[str, ArtifactRecord] | None:
    key = step_key(step, supply.inputs(step), address)
    hit = metadata.cached(key) if key else None
    return hit[1] if hit and set(hit[1]) == {each.name for each in step.outputs} else None

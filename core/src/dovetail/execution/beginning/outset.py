"""The outset of a run: which of its steps are settled before the first is taken, and which will run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from dovetail.client import Client
from dovetail.execution.beginning.adoption import Adoption, Settled
from dovetail.execution.beginning.provision import Provider
from dovetail.execution.beginning.selection import Selection, graph_of, read_from
from dovetail.execution.dispatch import Dispatch
from dovetail.records.plan import Plan
from dovetail.records.report import StepTask
from dovetail.records.run import Status, StepRunRecord

Revise = Callable[[Collection[str], Collection[str]], tuple[Plan, list[str]]]
"""Gives the plan to go on with, and what to tell: of the steps that will run, and of those completed."""


@dataclass(slots=True)
class Outset:
    """What stands when a run begins or goes on; `notes` are for people."""

    plan: Plan
    selected: Collection[str]
    adoption: Adoption = field(default_factory=Adoption)
    left_out: list[Settled] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def idle(self) -> frozenset[str]:
        """Return the steps of which no attempt will be made."""
        return frozenset([*self.adoption.settled, *(each.record.step for each in self.left_out)])

    def left(self) -> list[str]:
        """Return the steps that will run, in order."""
        return [name for name in self.selected if name not in self.adoption.settled]

    def outdated(self, began: Plan) -> dict[str, StepTask]:
        """Take away and return the attempts that go on at steps which `began` has otherwise."""
        same = {step.name for step in self.plan.steps if step in began.steps}
        tasks = self.adoption.ongoing
        found = {name: tasks.pop(name) for name in list(tasks) if name not in same}
        self.adoption.attempts.update(found.keys())
        return found

    def lay(self, dispatch: Dispatch) -> None:
        """Settle in `dispatch` what is settled."""
        dispatch.earlier.update(self.adoption.attempts)
        dispatch.ongoing.update(self.adoption.ongoing)
        for each in self.adoption.settled.values():
            dispatch.adopt(each.record, dict(each.artifacts))
        for each in self.left_out:
            dispatch.leave_out(each.record, dict(each.artifacts))


def whole(plan: Plan) -> Outset:
    """Return the outset of a run of which nothing is settled, and all is to run."""
    return Outset(plan, [step.name for step in plan.steps])


def outset(
    plan: Plan,
    run_id: str,
    selection: Selection,
    client: Client,
    adoption: Adoption | None = None,
    revise: Revise | None = None,
) -> Outset:
    """Work out what is settled of a run: what it has completed, and what is not to run in it.

    Raises:
        PlanError: a step that is not to run has no output that a step can read, or `revise` refuses.
    """
    adoption = adoption or Adoption()
    selected = selection.steps(graph_of(plan))
    to_run = [each.name for each in plan.steps if each.name in selected and each.name not in adoption.settled]
    found = Outset(plan, [each.name for each in plan.steps if each.name in selected], adoption)
    if revise is not None:
        found.plan, found.notes = revise(to_run, adoption.settled.keys())
    found.notes += [
        f"step {name!r} runs again, for its output is lost: {adoption.lost[name]}"
        for name in to_run
        if name in adoption.lost
    ]
    readers = read_from(found.plan, to_run)
    needed = {name: each for name, each in readers.items() if name not in adoption.settled}
    provided: dict[str, Settled] = {}
    if needed:
        base = client.run(selection.base) if selection.base else None
        provision = Provider(client, found.plan, run_id, base).provide(needed, to_run)
        provided = provision.settled
        found.notes += provision.notes
    for step in plan.steps:
        if step.name not in selected and step.name not in adoption.settled:
            skipped = StepRunRecord(run_id=run_id, step=step.name, status=Status.SKIPPED)
            found.left_out.append(provided.get(step.name) or Settled(skipped))
    return found

"""The outset of a run: what is completed and what is not to run is settled, and counts as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.client import Client
from dovetail.errors import PlanError
from dovetail.execution.beginning.adoption import Adoption, Settled
from dovetail.execution.beginning.outset import outset, whole
from dovetail.execution.beginning.selection import Selection
from dovetail.execution.dispatch import Dispatch, Policy
from dovetail.execution.progress import Progress
from dovetail.records.plan import Plan
from dovetail.records.run import Status, StepRunRecord
from dovetail.testing.run_facts import chain, completed, new_run

PLAN = chain("load", "double", "total")
RUN = new_run(PLAN)


class Recorded:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.steps: dict[str, StepRunRecord] = {}

    def step(self, record: StepRunRecord) -> None:
        self.steps[record.step] = record


class Nothing:
    """Where nobody has run anything."""

    def runs(self, _: str) -> Iterator[Any]:
        return iter(())


@pytest.fixture
def dispatch(tmp_path: Path) -> Callable[[], Dispatch]:
    store = MemoryArtifactStore("test", MemoryArtifactStoreConfig(), home=tmp_path)
    recorder, workers = cast("Any", Recorded()), cast("Any", None)
    return lambda: Dispatch(PLAN, RUN, Policy(), store, recorder, workers, Progress(), lambda: False)


def settled(*steps: str) -> Adoption:
    """Return what is found of a run that has completed these steps."""
    found = Adoption()
    for step in steps:
        facts = completed(RUN, step)
        found.settled[step] = Settled(facts.steps[0], {"output": facts.artifacts[0]})
        found.attempts[step] = 1
    return found


def start(adoption: Adoption | None = None, selection: Selection | None = None, **more: Any) -> Any:
    client = cast("Client", Nothing())
    return outset(PLAN, RUN.id, selection or Selection(), client, adoption, **more)


def test_a_whole_run_has_everything_before_it(dispatch: Callable[[], Dispatch]) -> None:
    made = dispatch()
    whole(PLAN).lay(made)
    assert (whole(PLAN).idle(), made.complete, made.finished) == (frozenset(), False, False)


def test_what_is_completed_is_idle_and_the_rest_is_taken(dispatch: Callable[[], Dispatch]) -> None:
    found, made = start(settled("load", "double")), dispatch()
    found.lay(made)
    assert (found.idle(), made.complete, made.finished) == ({"load", "double"}, False, False)
    assert made.earlier == {"load": 1, "double": 1}


def test_a_run_of_which_everything_is_completed_is_complete(dispatch: Callable[[], Dispatch]) -> None:
    made = dispatch()
    start(settled("load", "double", "total")).lay(made)
    assert (made.complete, made.finished) == (True, True)


def test_a_step_that_is_not_to_run_is_skipped_and_does_not_keep_the_run_from_completing(
    dispatch: Callable[[], Dispatch],
) -> None:
    found, made = start(settled("load"), Selection.of(to_step="load")), dispatch()
    found.lay(made)
    assert {each.record.step: each.record.status for each in found.left_out} == {
        "double": Status.SKIPPED, "total": Status.SKIPPED,
    }  # fmt: skip
    assert (made.complete, made.finished, made.unwanted) == (True, True, 2)
    assert cast("Any", made.recorder).steps.keys() == {"double", "total"}


def test_what_a_chosen_step_reads_must_be_had_from_somewhere() -> None:
    with pytest.raises(PlanError, match="step 'double' is not to be run, step 'total' reads its output"):
        start(selection=Selection.of(only="total"))


def test_what_is_completed_in_the_run_itself_needs_no_other() -> None:
    assert start(settled("double"), Selection.of(only="total")).idle() == {"load", "double"}


def test_a_lost_output_is_told_of_steps_that_run_again() -> None:
    adoption = settled("load")
    adoption.lost["double"] = "output 'output' is missing"
    assert start(adoption).notes == [
        "step 'double' runs again, for its output is lost: output 'output' is missing"
    ]


def test_the_plan_to_go_on_with_is_asked_for_by_what_runs_and_what_is_completed() -> None:
    other = chain("load", "double", "total", pipeline="other")

    def revise(to_run: Any, done: Any) -> tuple[Plan, list[str]]:
        assert (list(to_run), list(done)) == (["double", "total"], ["load"])
        return other, ["changed"]

    found = start(settled("load"), revise=revise)
    assert (found.plan, found.notes) == (other, ["changed"])

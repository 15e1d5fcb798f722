"""The contract of orchestrators as tests; their numbers are those of docs/contracts/orchestrator.md.

::

    class TestMine(OrchestratorContract):
        @pytest.fixture
        def orchestrator(self, tmp_path):
            return MyOrchestrator("mine", MyConfig(...), home=tmp_path)
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from dovetail.components.orchestrator import Orchestrator
from dovetail.records.report import Reason
from dovetail.testing.not_given import not_given
from dovetail.testing.scripted_steps import Scripted

DIAMOND: dict[str, set[str]] = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}}
_LONG = 60.0
_SOON = 30.0
_OFTEN = 20


class OrchestratorContract:
    """What every orchestrator does. Give the fixture `orchestrator`; everything else is here."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """Return an orchestrator that has run nothing yet."""
        raise not_given("orchestrator")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """Return a directory that the programs of the steps can write to."""
        return tmp_path

    def drive(self, orchestrator: Orchestrator, steps: Scripted) -> None:
        """Run to the end."""
        handle = orchestrator.submit("run", steps)
        deadline = time.monotonic() + _LONG
        while orchestrator.poll(handle, 0.5):
            assert time.monotonic() < deadline, "it does not end"

    def begin(self, orchestrator: Orchestrator, steps: Scripted, *expected: str) -> str:
        """Submit, and poll until the programs of these steps have started; return the handle."""
        handle = orchestrator.submit("run", steps)
        deadline = time.monotonic() + _LONG
        while sorted(steps.started()) != sorted(expected):
            assert orchestrator.poll(handle, 0.02), "it has ended"
            assert time.monotonic() < deadline, f"only these have started: {steps.started()}"
        return handle

    @pytest.mark.parametrize("in_process", [False, True])
    def test_1_a_step_starts_when_all_upstream_has_ended_well(
        self, orchestrator: Orchestrator, place: Path, *, in_process: bool
    ) -> None:
        steps = Scripted(place, DIAMOND, in_process=in_process)
        self.drive(orchestrator, steps)
        order = steps.started()
        assert sorted(order) == ["a", "b", "c", "d"]
        assert (order[0], order[3]) == ("a", "d")

    def test_1_what_depends_on_a_failed_step_never_starts(
        self, orchestrator: Orchestrator, place: Path
    ) -> None:
        steps = Scripted(place, DIAMOND, does={"b": "fail"})
        self.drive(orchestrator, steps)
        assert sorted(steps.started()) == ["a", "b", "c"]

    def test_2_a_step_that_is_tried_again_starts_after_its_first_attempt_has_ended(
        self, orchestrator: Orchestrator, place: Path
    ) -> None:
        steps = Scripted(place, DIAMOND, does={"a": "fail"}, retries={"a": 2})
        self.drive(orchestrator, steps)  # `take` objects where the step is still out
        assert [step for step, _ in steps.ends][:2] == ["a", "a"]
        assert len(steps.ends) == len(DIAMOND) + 1

    @pytest.mark.parametrize("in_process", [False, True])
    def test_2_a_step_that_is_to_be_tried_later_is_waited_for(
        self, orchestrator: Orchestrator, place: Path, *, in_process: bool
    ) -> None:
        does, retries = {"a": "fail"}, {"a": 1}
        steps = Scripted(place, {"a": set()}, does=does, retries=retries, in_process=in_process, later=0.3)
        handle = orchestrator.submit("run", steps)
        while orchestrator.poll(handle, _SOON):  # `wait` objects to more than the time until it is due
            assert steps.in_vain < _OFTEN, "it is asked for again and again before it is due"
        assert [step for step, _ in steps.ends] == ["a", "a"]

    def test_3_steps_that_are_ready_run_at_the_same_time(
        self, orchestrator: Orchestrator, place: Path
    ) -> None:
        graph: dict[str, set[str]] = {name: set() for name in "abcd"}
        steps = Scripted(place, graph, does=dict.fromkeys(graph, "wait"))
        handle = self.begin(orchestrator, steps, *graph)
        (place / "go").touch()
        while orchestrator.poll(handle, 0.5):
            pass
        assert steps.most == len(graph)

    def test_3_no_more_than_max_workers_run(self, orchestrator: Orchestrator, place: Path) -> None:
        steps = Scripted(place, {name: set() for name in "abcde"}, max_workers=2)
        self.drive(orchestrator, steps)  # `take` objects where more are out
        assert sorted(steps.started()) == list("abcde")

    def test_4_poll_returns_after_about_its_timeout(self, orchestrator: Orchestrator, place: Path) -> None:
        steps = Scripted(place, {"a": set()}, does={"a": "wait"})
        handle = self.begin(orchestrator, steps, "a")
        before = time.monotonic()
        assert orchestrator.poll(handle, 0.1)
        assert time.monotonic() - before < _SOON
        orchestrator.cancel(handle, 0.0)
        while orchestrator.poll(handle, 0.1):
            pass

    def test_4_poll_returns_at_once_when_something_has_ended(
        self, orchestrator: Orchestrator, place: Path
    ) -> None:
        steps = Scripted(place, {"a": set()}, does={"a": "wait"})
        handle = self.begin(orchestrator, steps, "a")
        threading.Timer(0.2, (place / "go").touch).start()
        before = time.monotonic()
        assert not orchestrator.poll(handle, _LONG)
        assert time.monotonic() - before < _SOON

    @pytest.mark.parametrize("does", ["wait", "stubborn"])
    def test_5_after_cancel_nothing_runs_once_the_grace_has_passed(
        self, orchestrator: Orchestrator, place: Path, does: str
    ) -> None:
        graph: dict[str, set[str]] = {name: set() for name in "abc"}
        steps = Scripted(place, graph, does=dict.fromkeys(graph, does))
        handle = self.begin(orchestrator, steps, *graph)
        steps.cancelled = True
        orchestrator.cancel(handle, 0.5)
        while orchestrator.poll(handle, 0.1):
            pass
        assert steps.alive() == []
        assert {end.reason for _, end in steps.ends} == {Reason.CANCELLED}

    def test_5_a_second_cancel_with_no_grace_insists(self, orchestrator: Orchestrator, place: Path) -> None:
        steps = Scripted(place, {"a": set()}, does={"a": "stubborn"})
        handle = self.begin(orchestrator, steps, "a")
        steps.cancelled = True
        orchestrator.cancel(handle, _LONG)
        assert orchestrator.poll(handle, 0.1)
        orchestrator.cancel(handle, 0.0)
        before = time.monotonic()
        while orchestrator.poll(handle, 0.1):
            pass
        assert time.monotonic() - before < _SOON
        assert steps.alive() == []

    @pytest.mark.parametrize("in_process", [False, True])
    def test_6_every_task_comes_back_once_with_how_it_ended(
        self, orchestrator: Orchestrator, place: Path, *, in_process: bool
    ) -> None:
        graph: dict[str, set[str]] = {name: set() for name in "abc"}
        steps = Scripted(place, graph, does={"b": "fail", "c": "die"}, in_process=in_process)
        self.drive(orchestrator, steps)  # `ended` objects to a second time
        found = dict(steps.ends)
        assert (found["a"].reason, found["b"].reason, found["c"].reason) == (
            Reason.COMPLETED,
            Reason.EXIT,
            Reason.SIGNAL,
        )
        if not in_process:
            assert (found["b"].exit_code, found["c"].signal) == (3, signal.SIGKILL)

    def test_7_the_handle_is_text(self, orchestrator: Orchestrator, place: Path) -> None:
        handle = orchestrator.submit("run", Scripted(place, {"a": set()}))
        assert isinstance(handle, str)
        assert handle
        while orchestrator.poll(handle, 0.5):
            pass

    def test_7_who_attaches_goes_on_with_what_is_left(self, orchestrator: Orchestrator, place: Path) -> None:
        steps = Scripted(place, DIAMOND)
        orchestrator.attach("run", steps)
        while orchestrator.poll("run", 0.5):
            pass
        assert len(steps.ends) == len(DIAMOND)

"""The contract of step operators as tests; their numbers are those of docs/contracts/step-operator.md.

::

    class TestMine(StepOperatorContract):
        @pytest.fixture
        def operator(self, tmp_path):
            return MyOperator("mine", MyConfig(...), home=tmp_path)

        @pytest.fixture
        def impossible(self):
            return {"resources": {"gpus": 1000}}
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dovetail.components.orchestrator import StepEnd
from dovetail.components.step_operator import StepOperator, StepSubmission
from dovetail.errors import ConfigurationError, NotFoundError
from dovetail.host.process_tree import carriers
from dovetail.names import new_id
from dovetail.records.report import Reason
from dovetail.testing.not_given import not_given

_LONG = 60.0
_SOON = 30.0
_MARK = "DOVETAIL_CONTRACT"

Submit = Callable[..., str]


class StepOperatorContract:
    """What every step operator does. Give the fixture `operator`; everything else is here."""

    @pytest.fixture
    def operator(self) -> StepOperator:
        """Return an operator that has had no attempt yet; its steps see the same files as the tests."""
        raise not_given("operator")

    @pytest.fixture
    def again(self, operator: StepOperator) -> Callable[[], StepOperator]:
        """Return what makes the operator that another process would have."""
        return lambda: type(operator)(operator.name, operator.config, home=operator.home)

    @pytest.fixture
    def impossible(self) -> dict[str, Any]:
        """Return fields of a submission that the place cannot give."""
        return {"resources": {"gpus": 1000}}

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """Return a directory that the programs of the steps can write to."""
        return tmp_path

    @pytest.fixture
    def submission(self, place: Path) -> Callable[..., StepSubmission]:
        """Return what makes a submission of a few lines of Python."""

        def make(program: str, **fields: Any) -> StepSubmission:
            head = f"import os, signal, sys, time\nplace = {str(place)!r}\n"
            values = {
                "run_id": new_id(),
                "run_name": "contract",
                "step": "step",
                "attempt": new_id(),
                "command": [sys.executable, "-c", head + dedent(program)],
                "environment": {_MARK: str(place)},
                **fields,
            }
            return StepSubmission(**values)

        return make

    @pytest.fixture
    def submit(self, operator: StepOperator, submission: Callable[..., StepSubmission]) -> Iterator[Submit]:
        """Submit a few lines of Python; what still runs at the end of the test is ended."""
        handles: list[str] = []

        def hand_over(program: str, **fields: Any) -> str:
            handles.append(operator.submit(submission(program, **fields)))
            return handles[-1]

        yield hand_over
        for handle in handles:
            operator.cancel(handle, 0.0)
            operator.wait(handle, _SOON)

    def end(self, operator: StepOperator, handle: str) -> StepEnd:
        """Wait for the end of an attempt."""
        found = operator.wait(handle, _LONG)
        assert found is not None, "it does not end"
        return found

    def until(self, seen: Callable[[], object]) -> None:
        """Wait until something is seen."""
        deadline = time.monotonic() + _LONG
        while not seen():
            assert time.monotonic() < deadline, "it never happens"
            time.sleep(0.02)

    def test_1_what_is_submitted_is_made(self, operator: StepOperator, submit: Submit, place: Path) -> None:
        handle = submit("open(f'{place}/made', 'w').close()")
        assert self.end(operator, handle).reason is Reason.COMPLETED
        assert (place / "made").exists()

    def test_1_the_variables_are_set(self, operator: StepOperator, submit: Submit, place: Path) -> None:
        handle = submit("open(f'{place}/seen', 'w').write(os.environ['TONE'])", environment={"TONE": "a b'c"})
        self.end(operator, handle)
        assert (place / "seen").read_text() == "a b'c"

    def test_1_submitted_again_it_starts_nothing(
        self,
        operator: StepOperator,
        again: Callable[[], StepOperator],
        submission: Callable[..., StepSubmission],
        place: Path,
    ) -> None:
        asked = submission("open(f'{place}/made', 'a').write('x')")
        handle = operator.submit(asked)
        assert operator.submit(asked) == handle
        self.end(operator, handle)
        assert operator.submit(asked) == handle
        assert again().submit(asked) == handle
        self.end(operator, handle)
        assert (place / "made").read_text() == "x"

    def test_2_another_operator_goes_on_with_the_handle(
        self, operator: StepOperator, again: Callable[[], StepOperator], submit: Submit, place: Path
    ) -> None:
        handle = submit("while not os.path.exists(f'{place}/go'): time.sleep(0.02)\nsys.exit(3)")
        assert isinstance(handle, str)
        other = again()
        other.attach(handle)
        assert other.wait(handle, 0.1) is None
        (place / "go").touch()
        assert self.end(other, handle).exit_code == self.end(operator, handle).exit_code

    def test_2_also_after_the_attempt_has_ended(
        self, operator: StepOperator, again: Callable[[], StepOperator], submit: Submit
    ) -> None:
        handle = submit("print('said')")
        before = self.end(operator, handle)
        other = again()
        other.attach(handle)
        assert other.wait(handle, 0.0) == before
        assert other.logs(handle) == b"said\n"

    @pytest.mark.parametrize("handle", ["", "{}", "somebody else's", '{"attempt": "../..", "id": 1}'])
    def test_2_a_handle_of_somebody_else_is_refused(self, operator: StepOperator, handle: str) -> None:
        with pytest.raises(NotFoundError):
            operator.attach(handle)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_2_an_attempt_outlives_who_submitted_it_where_that_is_declared(
        self, operator: StepOperator, submission: Callable[..., StepSubmission], place: Path
    ) -> None:
        asked = submission("""
            open(f'{place}/up', 'w').close()
            while not os.path.exists(f'{place}/go'): time.sleep(0.02)
        """)
        child = os.fork()
        if child == 0:
            try:
                (place / "handle").write_text(operator.submit(asked))
                self.until((place / "up").exists)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        handle = (place / "handle").read_text()
        operator.attach(handle)
        if operator.detached:
            (place / "go").touch()
        assert (self.end(operator, handle).reason is Reason.COMPLETED) == operator.detached
        assert carriers(f"{_MARK}={place}") == []

    def test_3_wait_returns_while_it_goes_on(self, operator: StepOperator, submit: Submit) -> None:
        handle = submit("time.sleep(600)")
        before = time.monotonic()
        assert operator.wait(handle, 0.2) is None
        assert time.monotonic() - before < _SOON

    def test_3_the_end_is_the_same_each_time(self, operator: StepOperator, submit: Submit) -> None:
        handle = submit("sys.exit(9)")
        assert self.end(operator, handle) == self.end(operator, handle)

    @pytest.mark.parametrize(
        ("program", "expected"),
        [
            ("pass", (Reason.COMPLETED, 0, None)),
            ("sys.exit(5)", (Reason.EXIT, 5, None)),
            ("os.kill(os.getpid(), signal.SIGKILL)", (Reason.SIGNAL, None, signal.SIGKILL)),
            ("os.kill(os.getpid(), signal.SIGSEGV)", (Reason.SIGNAL, None, signal.SIGSEGV)),
        ],
    )
    def test_4_the_reason_says_how_it_ended(
        self, operator: StepOperator, submit: Submit, program: str, expected: tuple[Any, ...]
    ) -> None:
        found = self.end(operator, submit(program))
        assert (found.reason, found.exit_code, found.signal) == expected

    def test_4_over_its_time_it_is_ended(self, operator: StepOperator, submit: Submit, place: Path) -> None:
        handle = submit("time.sleep(600)", timeout=0.5)
        assert self.end(operator, handle).reason is Reason.TIMEOUT
        assert carriers(f"{_MARK}={place}") == []

    def test_4_an_attempt_that_was_let_go_of_is_lost_or_as_it_was(
        self, operator: StepOperator, submit: Submit
    ) -> None:
        handle = submit("sys.exit(6)")
        before = self.end(operator, handle)
        operator.forget(handle)
        after = operator.wait(handle, 0.0)
        assert after is not None
        assert after == before or after.reason is Reason.LOST

    @pytest.mark.parametrize("stubborn", [False, True])
    def test_5_after_cancel_nothing_runs_once_the_grace_has_passed(
        self, operator: StepOperator, submit: Submit, place: Path, *, stubborn: bool
    ) -> None:
        handle = submit(f"""
            import subprocess
            if {stubborn}:
                for each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, signal.SIG_IGN)
            subprocess.Popen(['sleep', '600'], start_new_session=True)
            open(f'{{place}}/up', 'w').close()
            time.sleep(600)
        """)
        self.until((place / "up").exists)
        operator.cancel(handle, 0.4)
        assert self.end(operator, handle).reason is Reason.CANCELLED
        assert carriers(f"{_MARK}={place}") == []

    def test_5_it_is_asked_first(self, operator: StepOperator, submit: Submit, place: Path) -> None:
        handle = submit("""
            try:
                open(f'{place}/up', 'w').close()
                time.sleep(600)
            except KeyboardInterrupt:
                open(f'{place}/tidied', 'w').close()
        """)
        self.until((place / "up").exists)
        operator.cancel(handle, _LONG)
        self.end(operator, handle)
        assert (place / "tidied").exists()

    def test_5_a_second_cancel_with_no_grace_insists(
        self, operator: StepOperator, submit: Submit, place: Path
    ) -> None:
        handle = submit("""
            for each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, signal.SIG_IGN)
            open(f'{place}/up', 'w').close()
            time.sleep(600)
        """)
        self.until((place / "up").exists)
        operator.cancel(handle, 600.0)
        assert operator.wait(handle, 0.2) is None
        operator.cancel(handle, 0.0)
        assert self.end(operator, handle).reason is Reason.CANCELLED

    def test_5_cancelling_what_has_ended_changes_nothing(
        self, operator: StepOperator, submit: Submit
    ) -> None:
        handle = submit("sys.exit(4)")
        before = self.end(operator, handle)
        operator.cancel(handle, 1.0)
        assert self.end(operator, handle) == before

    def test_5_what_an_attempt_leaves_behind_goes_with_it(
        self, operator: StepOperator, submit: Submit, place: Path
    ) -> None:
        program = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
        assert self.end(operator, submit(program)).reason is Reason.COMPLETED
        assert carriers(f"{_MARK}={place}") == []

    def test_6_logs_hold_both_streams_in_order(self, operator: StepOperator, submit: Submit) -> None:
        handle = submit("""
            for each in range(3):
                print('out', each, flush=True); print('err', each, file=sys.stderr, flush=True)
        """)
        self.end(operator, handle)
        whole = operator.logs(handle)
        assert whole == b"".join(b"out %d\nerr %d\n" % (each, each) for each in range(3))
        assert operator.logs(handle, 6) == whole[6:]
        assert operator.logs(handle, len(whole)) == b""

    def test_6_logs_can_be_read_while_they_grow(
        self, operator: StepOperator, submit: Submit, place: Path
    ) -> None:
        handle = submit("""
            print('first', flush=True)
            while not os.path.exists(f'{place}/go'): time.sleep(0.02)
            print('second', flush=True)
        """)
        self.until(lambda: operator.logs(handle) == b"first\n")
        (place / "go").touch()
        self.end(operator, handle)
        assert operator.logs(handle, 6) == b"second\n"

    def test_6_what_goes_on_is_not_forgotten(
        self, operator: StepOperator, submit: Submit, place: Path
    ) -> None:
        handle = submit("""
            print('first', flush=True)
            while not os.path.exists(f'{place}/go'): time.sleep(0.02)
        """)
        self.until(lambda: operator.logs(handle) == b"first\n")
        operator.forget(handle)
        assert operator.wait(handle, 0.2) is None
        (place / "go").touch()
        assert self.end(operator, handle).reason is Reason.COMPLETED
        assert operator.logs(handle) == b"first\n"
        operator.forget(handle)
        operator.forget(handle)

    @pytest.mark.parametrize("asked", [{"cpus": 1, "memory": "1 GB"}, {"gpus": 0}])
    def test_7_what_any_place_has_is_given(
        self, operator: StepOperator, submit: Submit, asked: dict[str, Any]
    ) -> None:
        handle = submit("sys.exit(0)", resources=asked)
        assert self.end(operator, handle).reason is Reason.COMPLETED

    @pytest.mark.parametrize("unknown", ["resources", "settings"])
    def test_7_what_nobody_knows_is_refused(
        self, operator: StepOperator, submission: Callable[..., StepSubmission], place: Path, unknown: str
    ) -> None:
        asked = submission("open(f'{place}/made', 'w').close()", **{unknown: {"no_such_thing": 1}})
        with pytest.raises(ConfigurationError, match="no_such_thing") as refused:
            operator.submit(asked)
        assert refused.value.hint
        assert not (place / "made").exists()

    @pytest.mark.parametrize("asked", [{"memory": "1000000 TB"}, {"memory": "plenty"}, {"cpus": 1_000_000}])
    def test_7_what_no_place_has_is_refused(
        self,
        operator: StepOperator,
        submission: Callable[..., StepSubmission],
        place: Path,
        asked: dict[str, Any],
    ) -> None:
        with pytest.raises(ConfigurationError) as refused:
            operator.submit(submission("open(f'{place}/made', 'w').close()", resources=asked))
        assert refused.value.hint
        assert not (place / "made").exists()

    def test_7_what_the_place_cannot_give_is_refused(
        self,
        operator: StepOperator,
        submission: Callable[..., StepSubmission],
        impossible: dict[str, Any],
        place: Path,
    ) -> None:
        asked = submission("open(f'{place}/made', 'w').close()", **impossible)
        with pytest.raises(ConfigurationError) as refused:
            operator.submit(asked)
        assert refused.value.hint
        assert not (place / "made").exists()

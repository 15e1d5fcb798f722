"""The operator of processes: its contract, its limits, and what becomes of attempts whose keeper dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail import redaction
from dovetail.builtin.subprocess_step_operator import SubprocessStepOperator, SubprocessStepOperatorConfig
from dovetail.components.process_operator import size_in_bytes
from dovetail.components.step_operator import StepSubmission
from dovetail.errors import ConfigurationError
from dovetail.host.process_tree import ATTEMPT, carriers, children
from dovetail.names import new_id
from dovetail.records.report import Reason
from dovetail.testing.step_operator import StepOperatorContract

EATS = "kept = bytearray(400 << 20)\nfor each in range(0, len(kept), 4096): kept[each] = 1\ntime.sleep(60)"
BURNS = "while True: pass"


def operator_of(home: Path, **settings: Any) -> SubprocessStepOperator:
    return SubprocessStepOperator("limited", SubprocessStepOperatorConfig(**settings), home=home)


def submission_of(program: str, **fields: Any) -> StepSubmission:
    return StepSubmission(
        run_id=new_id(), run_name="r", step="s", attempt=new_id(),
        command=[sys.executable, "-c", f"import os, sys, time\n{program}"], **fields,
    )  # fmt: skip


class TestSubprocess(StepOperatorContract):
    @pytest.fixture
    def operator(self, home: Path) -> SubprocessStepOperator:
        return operator_of(home)


class TestDetached(StepOperatorContract):
    @pytest.fixture
    def operator(self, home: Path) -> SubprocessStepOperator:
        return operator_of(home, detached=True)


@pytest.mark.parametrize("where", ["configuration", "settings", "resources"])
def test_too_much_memory_is_the_reason_of_the_end(home: Path, where: str) -> None:
    operator = operator_of(home, memory="200 MB" if where == "configuration" else None)
    said = {} if where == "configuration" else {where: {"memory": "200 MB"}}
    handle = operator.submit(submission_of(EATS, **said))
    end = operator.wait(handle, 30.0)
    assert end is not None
    assert end.reason is Reason.MEMORY
    assert "200000000 are allowed" in end.detail


def test_memory_of_what_a_step_started_counts_too(home: Path) -> None:
    program = f"import subprocess; subprocess.run([sys.executable, '-c', 'import time\\n' + {EATS!r}])"
    operator = operator_of(home, memory="200 MB")
    end = operator.wait(operator.submit(submission_of(program)), 30.0)
    assert end is not None
    assert end.reason is Reason.MEMORY


@pytest.mark.parametrize(
    "program", [BURNS, f"import subprocess; subprocess.run([sys.executable, '-c', {BURNS!r}])"]
)
def test_too_much_processor_time_is_a_timeout(home: Path, program: str) -> None:
    operator = operator_of(home, cpu_seconds=0.3, grace=0.0)
    end = operator.wait(operator.submit(submission_of(program)), 30.0)
    assert end is not None
    assert (end.reason, "processor time" in end.detail) == (Reason.TIMEOUT, True)


def test_a_step_may_set_variables_over_those_of_the_operator(home: Path) -> None:
    operator = operator_of(home, environment={"A": "1", "B": "1", "C": "1"})
    settings = {"environment": {"B": "2", "C": "2"}}
    handle = operator.submit(
        submission_of("print(*map(os.environ.get, 'ABC'))", settings=settings, environment={"C": "3"})
    )
    operator.wait(handle, 30.0)
    assert operator.logs(handle) == b"1 2 3\n"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"resources": {"gpus": 1}}, "1 GPUs"),
        ({"resources": {"cpus": 10_000}}, "10000 processors"),
        ({"resources": {"memory": 1 << 60}}, "bytes of memory"),
        ({"resources": {"tpus": 1}}, "'tpus'"),
        ({"settings": {"memroy": 1}}, "'memroy'"),
        ({"settings": {"memory": "much"}}, "'much'"),
    ],
)
def test_what_this_machine_cannot_give_is_named(home: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        operator_of(home).submit(submission_of("pass", **fields))
    assert not (home / "step_operators").exists()


def test_an_attempt_whose_keeper_was_killed_is_lost_and_gone(home: Path, until: Callable[..., Any]) -> None:
    operator = operator_of(home)
    before = {*children(os.getpid())}
    asked = submission_of("import subprocess; subprocess.run(['sleep', '600'])")
    handle = operator.submit(asked)
    until(lambda: len(carriers(f"{ATTEMPT}={asked.attempt}")) == 2, 30.0)
    (keeper,) = {*children(os.getpid())} - before
    os.kill(keeper, signal.SIGKILL)
    end = operator.wait(handle, 30.0)
    assert end is not None
    assert end.reason is Reason.LOST
    until(lambda: not carriers(f"{ATTEMPT}={asked.attempt}"), 5.0)


def test_what_was_forgotten_is_lost(home: Path) -> None:
    operator = operator_of(home)
    handle = operator.submit(submission_of("pass"))
    operator.wait(handle, 30.0)
    operator.forget(handle)
    assert operator.wait(handle, 0.0).reason is Reason.LOST  # type: ignore[union-attr] # it has ended
    assert list((home / "step_operators" / "limited").iterdir()) == []


@pytest.mark.parametrize("detached", [False, True])
def test_only_a_detached_attempt_outlives_who_submitted_it(
    home: Path, until: Callable[..., Any], *, detached: bool
) -> None:
    asked = submission_of("time.sleep(600)")
    program = f"""
import sys, os, signal
from pathlib import Path
from dovetail.builtin.subprocess_step_operator import SubprocessStepOperator, SubprocessStepOperatorConfig
from dovetail.components.step_operator import StepSubmission
config = SubprocessStepOperatorConfig(detached={detached})
operator = SubprocessStepOperator("limited", config, home=Path({str(home)!r}))
print(operator.submit({asked!r}), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    handle, operator = died.stdout.strip(), operator_of(home, detached=detached)
    operator.attach(handle)
    if detached:
        until(lambda: carriers(f"{ATTEMPT}={asked.attempt}"), 30.0)
        assert operator.wait(handle, 0.5) is None
        operator.cancel(handle, 0.0)
    end = operator.wait(handle, 30.0)
    assert end is not None
    assert end.reason is (Reason.CANCELLED if detached else Reason.LOST)
    assert carriers(f"{ATTEMPT}={asked.attempt}") == []


@pytest.mark.parametrize(
    ("said", "meant"), [("1", 1), ("500 MB", 500_000_000), ("1.5 GiB", 3 << 29), ("2k", 2000), (7, 7)]
)
def test_sizes_are_read(said: str | int, meant: int) -> None:
    assert size_in_bytes(said) == meant


def test_g13_a_secret_of_its_settings_is_in_no_file_of_an_attempt(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_values", "_forms", "_starts", "_expression", "_listeners"):
        monkeypatch.setattr(redaction, name, type(getattr(redaction, name))())
    redaction.register("c4n4ry-of-all")
    operator = operator_of(home, environment={"TOKEN": "user:c4n4ry-of-all"})
    program = "text = os.environ['TOKEN']\nfor each in text: os.write(1, each.encode())\nsys.exit(text[5:])"
    handle = operator.submit(submission_of(program))
    end = operator.wait(handle, 60.0)
    assert end is not None
    assert end.last_words == operator.logs(handle).decode() == "user:****************\n"
    files = [each for each in home.rglob("*") if each.is_file()]
    assert len(files) > 1
    assert [each for each in files if b"c4n4ry" in each.read_bytes()] == []


def test_what_an_attempt_leaves_is_for_its_owner_only(home: Path) -> None:
    operator = operator_of(home)
    handle = operator.submit(submission_of("print('private')"))
    assert operator.wait(handle, 30.0) is not None
    place = Path(json.loads(handle)["directory"])
    assert list(place.iterdir())
    assert place.stat().st_mode & 0o077 == 0

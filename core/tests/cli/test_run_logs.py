"""How `dovetail run logs` and `dovetail run show` tell of attempts that did not end well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.metadata_store import Facts
from dovetail.names import new_id
from dovetail.records.record import now
from dovetail.records.run import AttemptRecord, Status
from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.testing.command_line import CommandLine
from dovetail.testing.recorded_run import RecordedRun

Cli = Callable[..., Any]


@pytest.fixture
def run(indexed: object) -> Iterator[RecordedRun]:
    """Record a run whose first step was tried twice and whose other steps failed."""
    with assemble(active_stack_record()) as stack:
        run = RecordedRun(stack, name="bad")
        attempt = AttemptRecord(
            id=new_id(), run_id=run.run.id, step="load", number=1, status=Status.FAILED, started=now(),
            finished=now(), duration=0.1, reason="error", error="ConnectionError: nobody answers",
            traceback="Traceback of load\nConnectionError: nobody answers\n",
        )  # fmt: skip
        stack.metadata_store.record(Facts(attempts=[attempt]), run.lease)
        run.complete("load", [1], log=b"two")
        step = stack.metadata_store.steps(run.run.id)[0]
        stack.metadata_store.record(Facts(steps=[step.model_copy(update={"attempts": 2})]), run.lease)
        run.fail("train")
        run.fail("check")
        run.end(Status.FAILED, error="step 'train' failed: ValueError: no")
        yield run


def test_an_attempt_that_wrote_nothing_says_why_it_failed(dovetail: Cli, run: RecordedRun) -> None:
    assert dovetail("run logs bad train").out == "Traceback ...\nattempt 1 failed: ValueError: no\n"
    whole = dovetail("run logs bad")
    assert whole.out.endswith("==> check <==\nTraceback ...\nattempt 1 failed: ValueError: no\n")
    assert whole.err == ""


def test_logs_are_a_document_for_programs(dovetail: Cli, run: RecordedRun) -> None:
    found = dovetail("run logs bad train --json").json
    assert found == [
        {
            "step": "train", "attempt": 1, "status": "failed", "reason": "error", "text": "",
            "error": "ValueError: no", "traceback": "Traceback ...",
        }
    ]  # fmt: skip
    assert [each["step"] for each in dovetail("run logs bad --json").json] == ["load", "train", "check"]
    assert dovetail("run logs bad --json --attempt 7").code == 5
    assert dovetail("run logs bad --json --follow").code == 2


def test_a_run_names_every_failure(dovetail: Cli, run: RecordedRun) -> None:
    assert dovetail("run show bad").out.splitlines()[-4:] == [
        "",
        "load attempt 1 failed: ConnectionError: nobody answers",
        "train failed: ValueError: no",
        "check failed: ValueError: no",
    ]
    steps = dovetail("run show bad --json").json["steps"]
    assert [len(each["failed_attempts"]) for each in steps] == [1, 1, 1]
    assert steps[0]["failed_attempts"][0]["error"] == "ConnectionError: nobody answers"


def test_logs_of_a_cached_step_are_found_where_it_was_computed(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path, tmp_path / "home")
    cli.write(
        "run.py",
        "from dovetail import pipeline, step\n"
        "@step\ndef one() -> int:\n    print('here')\n    return 1\n@pipeline\ndef ones():\n    one()\n",
    )
    for name in ("first", "second"):
        assert cli("run", "run.py", "--name", name).code == 0
    assert (
        "one was taken from run first: dovetail run logs first one" in cli("run", "logs", "last", "one").err
    )
    assert cli("run", "delete", "first", "--yes").code == 0
    assert "from a run that was deleted since" in cli("run", "logs", "last", "one").err

"""`dovetail artifact list|show|verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dovetail.stacks.stack import LiveStack
from dovetail.testing.recorded_run import RecordedRun, three_runs

Cli = Callable[..., Any]


@pytest.fixture
def recorded(stack: LiveStack) -> Iterator[list[RecordedRun]]:
    with three_runs(stack) as runs:
        yield runs


def damage(stack: LiveStack, run: RecordedRun, step: str) -> str:
    """Change a byte of an artifact; return its id."""
    artifact = run.artifacts[step]
    stack.artifact_store.delete(f"{artifact.stored}/value.json")
    stack.artifact_store.put(f"{artifact.stored}/value.json", b"8")
    return artifact.id


def test_artifacts_are_listed_newest_first(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    found = dovetail("artifact list --json").json
    assert [each["step"] for each in found] == ["load", "check", "train", "load"]
    shown = dovetail("artifact list --run first --limit 2")
    assert [line.split()[1] for line in shown.out.splitlines()] == ["STEP", "check", "train"]
    assert shown.err == f"there are more: --before {recorded[0].artifacts['train'].id}\n"


@pytest.mark.parametrize("words", ["", "--run first"])
def test_a_list_begins_before_an_artifact_that_is_there(
    dovetail: Cli, recorded: list[RecordedRun], words: str
) -> None:
    check = recorded[0].artifacts["check"].id
    found = dovetail(f"artifact list --json --before {check} {words}").json
    assert [each["step"] for each in found] == ["train", "load"]
    refused = dovetail(f"artifact list --before zz {words}")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err == "error: no artifact 'zz'\nhint: `dovetail artifact list` lists them\n"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("--step load", 2),
        ("--run first", 3),
        ("--output other", 0),
        ("--type builtins.int", 4),
        ("--pipeline x", 0),
    ],
)
def test_artifacts_are_filtered(dovetail: Cli, recorded: list[RecordedRun], words: str, count: int) -> None:
    assert len(dovetail(f"artifact list --json {words}").json) == count


def test_of_a_run_what_it_has_from_earlier_runs_is_listed(
    dovetail: Cli, stack: LiveStack, recorded: list[RecordedRun]
) -> None:
    made = recorded[0].artifacts
    cached = RecordedRun(stack, name="cached")
    for step, artifact in made.items():
        cached.reuse(step, artifact)
    cached.end()
    found = dovetail("artifact list --run cached --json").json
    assert [each["id"] for each in found] == [made[step].id for step in ("check", "train", "load")]
    assert found == dovetail("artifact list --run first --json").json
    rest = dovetail(f"artifact list --run cached --before {made['check'].id} --step load --json").json
    assert [each["step"] for each in rest] == ["load"]


def test_an_artifact_is_shown_with_origin_and_readers(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    artifact = recorded[0].artifacts["train"]
    found = dovetail(f"artifact show {artifact.id} --json").json
    assert found["producer"] == {"run": "first", "step": "train"}
    assert found["consumers"] == [{"run": "first", "step": "check"}]
    assert found["upstream"] == [recorded[0].artifacts["load"].id]
    assert found["files"][0]["path"] == "value.json"
    shown = dovetail(f"artifact show {artifact.id[:-2]}").out
    assert "first check" in shown
    assert artifact.digest in shown


def test_an_artifact_that_is_not_there_is_one_message(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    assert dovetail("artifact show zzz").err.startswith("error: no artifact 'zzz'\nhint: ")


def test_whole_artifacts_are_verified(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    assert dovetail("artifact verify --all --json").json == {"verified": 4, "damaged": []}
    assert dovetail("artifact verify --run second").err == "1 verified, none damaged\n"
    assert dovetail(f"artifact verify {recorded[0].artifacts['train'].id}").code == 0


def test_exactly_the_damaged_artifact_is_listed(
    dovetail: Cli, stack: LiveStack, recorded: list[RecordedRun]
) -> None:
    wrong = damage(stack, recorded[0], "train")
    shown = dovetail("artifact verify --all --json")
    assert shown.code == 8
    assert [each["id"] for each in shown.json["damaged"]] == [wrong]
    assert shown.err.startswith("error: 1 of 4 artifacts are damaged\nhint: ")
    assert "its digest differs" in dovetail("artifact verify --all").out


def test_nothing_is_verified_unless_it_is_said_what(dovetail: Cli) -> None:
    shown = dovetail("artifact verify")
    assert shown.code == 2
    assert "--all" in shown.err

"""`dovetail run list|show|logs` and `dovetail pipeline list|show`."""

from __future__ import annotations

import threading
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


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_runs_are_listed_newest_first(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    shown = dovetail("run list")
    assert [line[:3] for line in lines(shown.out)] == [
        ["RUN", "PIPELINE", "STATUS"],
        ["third", "training", "running"],
        ["second", "training", "failed"],
        ["first", "training", "completed"],
    ]
    assert shown.err == ""


@pytest.mark.parametrize(
    ("words", "names"),
    [("--status failed", ["second"]), ("--limit 1", ["third"]), ("--before second", ["first"]),
     ("--pipeline training --status completed", ["first"]), ("--pipeline other", [])],
)  # fmt: skip
def test_runs_are_filtered_and_paged(
    dovetail: Cli, recorded: list[RecordedRun], words: str, names: list[str]
) -> None:
    assert [each["name"] for each in dovetail(f"run list --json {words}").json] == names


def test_a_list_says_how_to_go_on(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    assert dovetail("run list --limit 2").err == "there are more: --before second\n"
    assert dovetail("run list --before first").err == "no runs\n"


def test_an_interrupted_run_is_listed_so_and_says_what_to_type(
    dovetail: Cli, recorded: list[RecordedRun]
) -> None:
    recorded[2].leave()
    assert [each["name"] for each in dovetail("run list --status interrupted --json").json] == ["third"]
    shown = dovetail("run show").out
    assert "to go on where it stopped: dovetail run resume third" in shown
    assert ["train", "interrupted"] in [line[:2] for line in lines(shown)]


def test_a_run_is_shown_with_its_steps(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    shown = dovetail("run show first").out
    assert "run first of pipeline training: completed, 1.50 s" in shown
    assert "commit 0123456789 with changes" in shown
    assert lines(shown)[-2] == ["train", "completed", "250", "ms", "1", "output", "loss=0.25"]
    second = lines(dovetail("run show second").out)
    assert [line[:2] for line in second[-6:-3]] == [
        ["load", "cached"],
        ["train", "failed"],
        ["check", "pending"],
    ]


def test_a_run_is_a_document_for_programs(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    found = dovetail("run show first --json").json
    load, train, _ = found["steps"]
    assert found["components"]["metadata_store"] == "dovetail/sqlite"
    assert train["inputs"] == {"data": load["outputs"]["output"]["id"]}
    assert (train["parameters"], train["metrics"], train["status"]) == (
        {"rate": 0.5},
        {"loss": 0.25},
        "completed",
    )
    taken = dovetail("run show second --json").json["steps"][0]
    assert (taken["cached_from"], taken["cached_from_name"]) == (found["id"], "first")
    assert (train["cached_from"], train["cached_from_name"]) == (None, None)


def test_what_a_run_has_of_another_is_shown_with_its_name_or_id(
    dovetail: Cli, recorded: list[RecordedRun]
) -> None:
    assert "taken from run first: load\n" in dovetail("run show second").out
    assert "taken from" not in dovetail("run show first").out
    assert dovetail("run delete first --yes").code == 0
    assert f"taken from run {recorded[0].run.id}: load\n" in dovetail("run show second").out
    assert dovetail("run show second --json").json["steps"][0]["cached_from_name"] is None


def test_replays_and_parts_are_marked_where_there_are_any(
    dovetail: Cli, stack: LiveStack, recorded: list[RecordedRun]
) -> None:
    assert "KIND" not in dovetail("run list").out
    part = RecordedRun(stack, name="part", options={"selection": {"only": ["train"]}})
    part.leave()
    again = RecordedRun(
        stack, name="again", parent=part.run.id, options={"selection": {"only": ["train"], "base": "x"}}
    )
    again.leave()
    shown = lines(dovetail("run list").out)
    assert [line[-1] for line in shown[:4]] == ["KIND", "replay", "partial", "-"]
    found = dovetail("run list --json").json
    assert [each["parent"] for each in found[:3]] == [part.run.id, None, None]
    assert [each["selection"].get("only") for each in found[:3]] == [["train"], ["train"], None]


def test_a_run_that_is_not_there_is_one_message(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    shown = dovetail("run show frist")
    assert (shown.code, shown.out) == (5, "")
    assert shown.err == "error: no run 'frist'\nhint: did you mean 'first'?\n"
    assert dovetail("run logs first tarin").code == 5


def test_logs_are_shown_in_order_under_headings(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    assert dovetail("run logs first").out == (
        "==> load <==\nload says [1, 2, 3]\n==> train <==\ntrain says 7\n==> check <==\ncheck says True\n"
    )
    assert dovetail("run logs first train").out == "train says 7\n"
    assert dovetail("run logs first train --attempt 1").out == "train says 7\n"
    assert dovetail("run logs third").err == "nothing was written\n"


def test_an_attempt_that_was_not_made_is_one_message(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    for words in ("first --attempt 3", "first train --attempt 3"):
        shown = dovetail(f"run logs {words}")
        assert shown.code == 5
        assert "has no attempt 3" in shown.err or "has an attempt 3" in shown.err


def test_logs_are_followed_until_the_run_ends(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    def go_on() -> None:
        recorded[2].complete("train", 1, log=b"late")
        recorded[2].end()

    timer = threading.Timer(0.5, go_on)
    timer.start()
    assert dovetail("run logs third --follow").out == "==> train <==\nlate"
    timer.join()


def test_pipelines_are_listed_and_shown(dovetail: Cli, recorded: list[RecordedRun]) -> None:
    (found,) = dovetail("pipeline list --json").json
    assert (found["name"], found["runs"]) == ("training", 3)
    assert lines(dovetail("pipeline list").out)[1][:2] == ["training", "3"]
    shown = dovetail("pipeline show training")
    assert ["train", "run.py:train", "load", "output:", "builtins.int"] in lines(shown.out)
    document = dovetail("pipeline show training --limit 1 --json").json
    assert [each["name"] for each in document["newest"]] == ["third"]
    assert dovetail("pipeline show trainin").code == 5


def test_where_nothing_has_run_lists_are_empty(dovetail: Cli) -> None:
    assert dovetail("run list --json").json == dovetail("pipeline list --json").json == []
    assert "nothing has run" in dovetail("run show").err


@pytest.mark.parametrize(
    ("line", "word", "offered"),
    [("run show", "", ["last", "third", "second", "first"]), ("run show", "fi", ["first"]),
     ("run logs first", "tr", ["train"]), ("pipeline show", "t", ["training"]),
     ("run list --pipeline", "", ["training"])],
)  # fmt: skip
def test_a_shell_completes_what_has_happened(
    dovetail: Cli,
    recorded: list[RecordedRun],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    word: str,
    offered: list[str],
) -> None:
    monkeypatch.setenv("_DOVETAIL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"dovetail {line} {word}")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) + 1))
    shown = dovetail("")
    assert [each.partition(",")[2] for each in shown.out.splitlines()] == offered

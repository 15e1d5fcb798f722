"""`dovetail artifact prune`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.names import new_id
from dovetail.records.artifact import artifact_directory
from dovetail.stacks.stack import LiveStack
from dovetail.stacks.workspace import home
from dovetail.testing.recorded_run import RecordedRun

Cli = Callable[..., Any]
ASKED = "asked metadata store 'sqlite' of stack 'default' of profile 'default'\n"


@pytest.fixture
def left(stack: LiveStack) -> str:
    """A completed run, and an artifact that nobody recorded."""
    run = RecordedRun(stack, name="first")
    run.complete("load", [1])
    run.end()
    artifact = new_id()
    stack.artifact_store.put(f"{artifact_directory(artifact)}/value.json", b"12345")
    return artifact


def test_without_anybody_to_ask_nothing_is_removed(dovetail: Cli, left: str) -> None:
    shown = dovetail("artifact prune")
    assert shown.code == 0
    assert left in shown.out
    assert shown.err == ASKED + "nothing is removed without a word: --yes removes these 1, 5 B\n"
    assert dovetail("artifact prune --json").json["dry_run"]
    assert left in dovetail("artifact prune --dry-run --yes").out


def test_with_a_word_it_is_removed_and_told(dovetail: Cli, left: str) -> None:
    assert dovetail("artifact prune --yes").err == ASKED + "removed 1, 5 B\n"
    assert dovetail("artifact prune").err == ASKED + "nothing is there that no run refers to\n"
    assert dovetail("artifact verify --all").err == "1 verified, none damaged\n"


def test_programs_learn_what_was_found_and_removed(dovetail: Cli, left: str, stack: LiveStack) -> None:
    found = dovetail("artifact prune --yes --json").json
    assert found["removed"] == [left]
    assert [each["kind"] for each in found["found"]] == ["unrecorded artifact"]
    assert (found["dry_run"], found["size"], found["swept"]) == (False, 5, 0)
    assert found["asked"] == [{"profile": "default", "stack": "default", "metadata_store": "sqlite"}]


def test_every_metadata_store_of_the_artifact_store_is_asked_and_said(
    dovetail: Cli, left: str, tmp_path: Path
) -> None:
    dovetail("profile create team --set")
    dovetail("metadata-store register own --flavor sqlite --path", str(tmp_path / "own.db"))
    dovetail("stack register other -o local -a local -m own --set")
    shown = dovetail("artifact prune --yes")
    assert shown.err.splitlines()[0] == (
        "asked metadata store 'own' of stack 'other' of profile 'team',"
        " 'sqlite' of stack 'default' of profile 'team'"
    )
    assert "removed 1, " in shown.err
    assert dovetail("profile set default").code == 0
    assert dovetail("artifact verify --all").err == "1 verified, none damaged\n"


def test_who_cannot_be_asked_stops_it_unless_somebody_insists(dovetail: Cli, left: str) -> None:
    dovetail("profile create team")
    (home() / "profiles" / "team.yaml").write_text("format: 99\n", encoding="utf-8")
    refused = dovetail("artifact prune --yes")
    assert (refused.code, refused.out) == (6, "")
    assert "error: profile 'team' may refer to what is in this artifact store, and cannot" in refused.err
    assert "--force" in refused.err
    for words in ("--dry-run", "--yes --force"):
        shown = dovetail(f"artifact prune {words}")
        assert left in shown.out
        assert "not asked, although it may refer to what is here: profile 'team'" in shown.err
    assert "nothing is there" in dovetail("artifact prune --force").err


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 0)])
def test_a_person_is_asked(
    dovetail: Cli, left: str, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    assert dovetail("artifact prune").code == code
    assert (left in dovetail("artifact prune --dry-run").out) is (answer == "n")


def test_what_a_live_run_may_be_writing_is_told(dovetail: Cli, stack: LiveStack) -> None:
    run = RecordedRun(stack, name="live")
    stack.artifact_store.put(f"{artifact_directory(new_id())}/value.json", b"12345")
    assert "1 artifacts or archives that nothing refers to stay" in dovetail("artifact prune").err
    run.leave()

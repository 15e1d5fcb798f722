"""Forgetting runs: what goes, what stays, who is asked, and what is left when it breaks off."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dovetail.builtin.local_artifact_store import LocalArtifactStore
from dovetail.client import Client
from dovetail.errors import ConflictError, NotFoundError, StoreError
from dovetail.testing.command_line import CommandLine, assert_message
from dovetail.testing.invariants import Moment, local_violations

SCRIPT = """
from dovetail import pipeline, step

@step
def number() -> int:
    print("one")
    return 1

@step
def double(number: int) -> int:
    return number * 2

@pipeline
def doubling():
    double(number())

doubling.run()
"""


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of which the second one has what the first one computed, made once."""
    place = tmp_path_factory.mktemp("runs")
    (place / "project").mkdir()
    cli = CommandLine(place / "project", place / "home")
    cli.write("run.py", SCRIPT)
    for name in ("first", "second"):
        assert cli("run", "run.py", "--in-process", "--quiet", "--name", name).code == 0
    return place


@pytest.fixture
def ran(two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The two runs, in a place of this test's own."""
    shutil.copytree(two_runs, tmp_path / "runs")
    cli = CommandLine(tmp_path / "runs" / "project", tmp_path / "runs" / "home")
    monkeypatch.setenv("DOVETAIL_HOME", str(cli.home))
    monkeypatch.chdir(cli.directory)
    return cli


def names(cli: CommandLine) -> list[str]:
    return [each["name"] for each in cli("run", "list", "--json").json()]


def run_files(cli: CommandLine) -> list[Path]:
    return [each for each in (cli.home / "store" / "runs").rglob("*") if each.is_file()]


def test_runs_are_deleted_by_pipeline_and_state(ran: CommandLine) -> None:
    assert "there is no such run" in ran("run", "delete", "--status", "failed", "--yes").err
    assert ran("run", "delete", "--status", "failed", "--yes", "--json").json() == []
    assert ran("run", "delete", "--pipeline", "doubling", "--status", "failed", "--yes").code == 0
    assert names(ran) == ["second", "first"]
    unasked = ran("run", "delete", "--pipeline", "doubling")
    assert (unasked.code, "Delete second (completed, " in unasked.err) == (2, True)
    answer = ran("run", "delete", "--pipeline", "doubling", "--status", "completed", "--yes", "--json")
    assert [each["name"] for each in answer.json()] == ["second", "first"]
    assert (names(ran), run_files(ran)) == ([], [])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "error: say which runs to delete"),
        (["first", "--status", "failed"], 2, "error: run 'first' is named, and --pipeline or --status"),
        (["--pipeline", "doublin"], 5, "did you mean 'doubling'?"),
        (["--status", "running"], 2, "'running' is not one of"),
    ],
)
def test_what_is_unclear_deletes_nothing(ran: CommandLine, words: list[str], code: int, said: str) -> None:
    answer = ran("run", "delete", "--yes", *words)
    assert_message(answer, code, said)
    assert names(ran) == ["second", "first"]


def test_a_deleted_run_is_gone_with_its_logs_and_leaves_what_others_have(ran: CommandLine) -> None:
    answer = ran("run", "delete", "first", "--yes", "--json")
    assert [each["name"] for each in answer.json()] == ["first"]
    assert "dovetail artifact prune" in answer.err
    assert names(ran) == ["second"]
    assert not [each for each in run_files(ran) if each.suffix == ".log"]
    assert ran("artifact", "verify", "--all").code == 0
    assert local_violations(ran.home, Moment.PRUNED) == []


def test_several_runs_go_at_once_and_pruning_removes_their_artifacts(ran: CommandLine) -> None:
    assert ran("run", "delete", "first", "second", "--yes").code == 0
    assert names(ran) == []
    assert run_files(ran) == []
    assert ran("artifact", "prune", "--yes").code == 0
    assert local_violations(ran.home, Moment.PRUNED) == []
    assert [each for each in (ran.home / "store" / "artifacts").rglob("*") if each.is_file()] == []


def test_nobody_there_to_ask_and_no_yes_deletes_nothing(ran: CommandLine) -> None:
    answer = ran("run", "delete", "first")
    assert answer.code == 2
    assert "--yes deletes without asking" in answer.err
    assert names(ran) == ["second", "first"]


def test_one_name_that_fits_no_run_deletes_none(ran: CommandLine) -> None:
    assert ran("run", "delete", "first", "third", "--yes").code == 5
    assert names(ran) == ["second", "first"]


def test_a_run_whose_store_is_away_stays_whole(ran: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreError("nobody answers")

    with Client() as client, monkeypatch.context() as patch:
        patch.setattr(LocalArtifactStore, "entries", away)
        with pytest.raises(StoreError, match="nobody answers"):
            client.delete_run("first")
    assert names(ran) == ["second", "first"]
    assert ran("run", "logs", "first", "number").out == "one\n"


def test_a_running_run_is_refused_and_nothing_is_deleted(ran: CommandLine) -> None:
    with Client() as client:
        run = client.run("second")
        metadata = run.records.metadata
        lease = metadata.acquire(run.id)
        metadata.begin(run.record.model_copy(update={"status": "running", "finished": None}), b"", lease)
        answer = ran("run", "delete", "first", "second", "--yes")
        assert answer.code == 6
        assert "end it first: `dovetail run cancel second`" in answer.err
        assert names(ran) == ["second", "first"]
        with pytest.raises(ConflictError):
            client.delete_run("second")
        lease.release()
        client.delete_run("second")  # interrupted now
        with pytest.raises(NotFoundError):
            client.run("second")


def test_what_a_broken_off_deletion_leaves_is_removed_by_pruning(
    ran: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("not now")

    monkeypatch.setattr(LocalArtifactStore, "delete", refuse)
    with Client() as client, pytest.raises(StoreError, match="not now"):
        client.delete_run("first")
    assert names(ran) == ["second"]
    assert len([each for each in run_files(ran) if each.suffix == ".log"]) == 1
    assert ran("artifact", "verify", "--all").code == 0
    assert ran("artifact", "prune", "--yes").code == 0
    assert local_violations(ran.home, Moment.PRUNED) == []

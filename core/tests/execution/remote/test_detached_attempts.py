"""Attempts that outlive their launcher: a resumed run goes on with them, a sync takes in their reports."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.host.process_tree import carriers
from dovetail.testing.command_line import CommandLine, assert_message

SCRIPT = """
import os, time
from pathlib import Path
from dovetail import pipeline, step

@step
def load() -> int:
    return 1

@step(step_operator=True)
def work(value: int) -> int:
    with open(os.environ["PLACE"] + "/begun", "a") as file:
        file.write("x")
    print("begun", flush=True)
    while not Path(os.environ["PLACE"], "go").exists():
        time.sleep(0.02)
    print("done", flush=True)
    return value + 1

@step
def after(value: int) -> int:
    return value + 1

@pipeline
def chain():
    after(work(load()))

if __name__ == "__main__":
    chain.run()
"""
CHANGED = SCRIPT.replace("return value + 1\n\n@step\ndef after", "return 5\n\n@step\ndef after")


@pytest.fixture
def detached(cli: CommandLine) -> CommandLine:
    """A repository with the pipeline, whose stack has a detached operator."""
    cli.write("run.py", SCRIPT)
    assert cli("init", "--bare").code == 0
    cli("step-operator", "register", "apart", "--flavor", "subprocess", "--detached")
    cli("stack", "register", "away", "-o", "local", "-a", "local", "-s", "apart")
    cli("stack", "set", "away")
    return cli


@pytest.fixture
def orphaned(detached: CommandLine, tmp_path: Path, until: Callable[..., Any]) -> CommandLine:
    """A run whose launcher was killed while its step goes on with a detached operator."""
    launcher = detached.spawn("run", "run.py", env={"PLACE": str(tmp_path)})
    until((tmp_path / "begun").exists, 60.0)
    until(lambda: kept(detached), 60.0)
    launcher.kill()
    launcher.communicate()
    assert carriers(f"PLACE={tmp_path}")
    return detached


def kept(cli: CommandLine) -> list[Path]:
    """Return the files of all handles that were kept."""
    return list((cli.directory / ".dovetail/store").rglob("handles/*.json"))


def assert_made_anew(cli: CommandLine, tmp_path: Path, until: Callable[..., Any]) -> None:
    """Go on with the run although its step has changed, and see that the step is made once more."""
    resumed = cli.spawn("run", "resume", "last", "--accept-changes", "--json", env={"PLACE": str(tmp_path)})
    until(lambda: (tmp_path / "begun").read_text() == "xx", 60.0)
    (tmp_path / "go").touch()
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert '"attempts": 2' in out


def let_end(tmp_path: Path, until: Callable[..., Any]) -> None:
    (tmp_path / "go").touch()
    until(lambda: not carriers(f"PLACE={tmp_path}"), 60.0)


def test_a_resumed_run_waits_for_the_attempt_that_goes_on(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    resumed = orphaned.spawn("run", "resume", "last", "--json", env={"PLACE": str(tmp_path)})
    until(lambda: orphaned("run", "list", "--json").json()[0]["status"] == "running", 60.0)
    beside = orphaned("run", "sync", "last")
    assert_message(beside, 6, "is owned by process")
    assert "what there is to take in, it takes in itself" in beside.err
    (tmp_path / "go").touch()
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert (tmp_path / "begun").read_text() == "x", "it was made once"
    assert orphaned("run", "logs", "last", "work").out.splitlines()[-2:] == ["begun", "done"]
    assert '"attempts": 1' in out


def test_a_resumed_run_takes_in_what_has_ended_meanwhile(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    let_end(tmp_path, until)
    answer = orphaned("run", "resume", "last", "--json", env={"PLACE": str(tmp_path)})
    assert answer.code == 0, answer.err
    assert (tmp_path / "begun").read_text() == "x"


def test_sync_says_what_goes_on_then_what_it_took_in(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    assert "step 'work', attempt 1: still running" in orphaned("run", "sync", "last").out
    let_end(tmp_path, until)
    answer = orphaned("run", "sync", "last", "--json")
    assert answer.code == 0, answer.err
    assert answer.json()["attempts"] == [
        {"step": "work", "attempt": 1, "status": "completed", "reason": "completed"}
    ]
    steps = orphaned("run", "show", "last", "--json").json()["steps"]
    assert [each["status"] for each in steps] == ["completed", "completed", "pending"]
    assert "nothing was left" in orphaned("run", "sync", "last").out
    assert orphaned("run", "resume", "last").code == 0


def test_cancelling_the_resumed_run_ends_the_attempt(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    resumed = orphaned.spawn("run", "resume", "last", env={"PLACE": str(tmp_path)})
    until(lambda: orphaned("run", "list", "--json").json()[0]["status"] == "running", 60.0)
    assert orphaned("run", "cancel", "last", "--now").code == 0
    resumed.communicate(timeout=60)
    assert carriers(f"PLACE={tmp_path}") == []


def test_an_attempt_of_a_step_that_has_changed_is_ended_and_made_anew(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    orphaned.write("run.py", CHANGED)
    refused = orphaned("run", "resume", "last", env={"PLACE": str(tmp_path)})
    assert refused.code == 3
    assert carriers(f"PLACE={tmp_path}"), "what is refused changes nothing"
    assert_made_anew(orphaned, tmp_path, until)
    assert carriers(f"PLACE={tmp_path}") == []


def test_cancelling_a_run_without_a_launcher_ends_what_goes_on(orphaned: CommandLine, tmp_path: Path) -> None:
    answer = orphaned("run", "cancel", "last", "--now")
    assert answer.code == 0, answer.err
    assert carriers(f"PLACE={tmp_path}") == []
    shown = orphaned("run", "show", "last", "--json").json()
    assert shown["status"] == "cancelled"
    assert "begun" in orphaned("run", "logs", "last", "work").out


def test_deleting_such_a_run_ends_what_goes_on(orphaned: CommandLine, tmp_path: Path) -> None:
    refused = orphaned.python("-c", "from dovetail.client import Client; Client().delete_run('last')")
    assert "may go on by itself" in refused.err
    assert carriers(f"PLACE={tmp_path}"), "what is refused changes nothing"
    answer = orphaned("run", "delete", "last", "--yes")
    assert answer.code == 0, answer.err
    assert carriers(f"PLACE={tmp_path}") == []
    assert kept(orphaned) == []
    found = orphaned("artifact", "prune", "--dry-run", "--json").json()["found"]
    assert "code archive" in {each["kind"] for each in found}


def test_an_attempt_whose_handle_was_never_kept_is_made_once_all_the_same(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    (handle,) = kept(orphaned)
    handle.unlink()
    assert "step 'work', attempt 1: still running" in orphaned("run", "sync", "last").out
    resumed = orphaned.spawn("run", "resume", "last", "--json", env={"PLACE": str(tmp_path)})
    until(lambda: kept(orphaned), 60.0)
    (tmp_path / "go").touch()
    out, err = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, err
    assert '"attempts": 1' in out
    assert (tmp_path / "begun").read_text() == "x"


def test_such_an_attempt_of_a_step_that_has_changed_is_made_anew(
    orphaned: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    (handle,) = kept(orphaned)
    handle.unlink()
    orphaned.write("run.py", CHANGED)
    assert_made_anew(orphaned, tmp_path, until)


def test_wherever_the_launcher_dies_while_it_hands_over_the_step_is_made_once(
    detached: CommandLine, tmp_path: Path, until: Callable[..., Any]
) -> None:
    unharmed = 'step(step_operator=True, environment=Environment(variables={"DOVETAIL_FAILPOINT": ""}))'
    script = SCRIPT.replace("step(step_operator=True)", unharmed).replace("work(load())", "work(1)")
    detached.write("run.py", script.replace("import pipeline", "import Environment, pipeline"))
    deaths = 0
    for arrival in range(1, 30):
        for name in ("begun", "go"):
            (tmp_path / name).unlink(missing_ok=True)
        before = len(kept(detached))
        variables = {"PLACE": str(tmp_path), "DOVETAIL_FAILPOINT": f"write:kill:{arrival}"}
        launcher = detached.spawn("run", "run.py", "--no-cache", env=variables)
        until(lambda: launcher.poll() is not None or len(kept(detached)) > before, 60.0)  # noqa: B023 - now
        if launcher.poll() is None:  # it has handed over, and would go on
            launcher.kill()
            launcher.communicate()
            break
        said = launcher.communicate()
        assert launcher.returncode == -signal.SIGKILL, said
        deaths += 1
        resumed = detached.spawn("run", "resume", "last", env={"PLACE": str(tmp_path)})
        until(lambda: len(kept(detached)) > before, 60.0)  # noqa: B023 - now
        until((tmp_path / "begun").exists, 60.0)
        (tmp_path / "go").touch()
        _, err = resumed.communicate(timeout=60)
        assert resumed.returncode == 0, (arrival, err)
        assert (tmp_path / "begun").read_text() == "x", arrival
    assert deaths >= 3, "the launcher writes job, task and handle at least"

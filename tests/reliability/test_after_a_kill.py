"""After any kill a user sees one line that says what happened and what to type."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dovetail.testing.command_line import Answer, CommandLine

RUN = """
import os, time
from pathlib import Path
from dovetail import pipeline, step

@step
def first() -> int:
    return 1

@step
def slow(value: int) -> int:
    Path("started.part").write_text(f"{os.getpid()} {os.getppid()}")
    os.rename("started.part", "started")
    while not Path("go").exists():
        time.sleep(0.02)
    return value

@pipeline
def napping():
    slow(first())

if __name__ == "__main__":
    napping.run()
"""
LINE = "run dead was interrupted: its process died; to go on where it stopped: dovetail run resume dead"


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A project whose second step waits for a file `go`."""
    cli.write("run.py", RUN)
    return cli


@pytest.fixture
def killed(project: CommandLine) -> CommandLine:
    """A project whose only run, `dead`, lost its process to kill -9."""
    with project.spawn("run", "run.py", "--name", "dead", "-q") as runner:
        _started(project, runner)
        runner.kill()
    project.write("go", "")
    return project


def _started(cli: CommandLine, runner: subprocess.Popen[str]) -> tuple[int, int]:
    """Return the process of the waiting step and its parent, the warm process."""
    file = cli.directory / "started"
    deadline = time.monotonic() + 60
    while not file.exists():
        assert runner.poll() is None, runner.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    step, warm = file.read_text().split()
    return int(step), int(warm)


def _supervisor(runner: subprocess.Popen[str]) -> int:
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
    commands = {each: Path(f"/proc/{each}/cmdline").read_bytes() for each in children}
    (found,) = (each for each, command in commands.items() if b"processes.supervisor" in command)
    return int(found)


def _ended(project: CommandLine, *, kill: str, number: int = signal.SIGKILL) -> Answer:
    """Start a run, kill one of its processes while the second step waits, and return how it ended."""
    with project.spawn("run", "run.py", "--name", "hurt", "-q") as runner:
        step, warm = _started(project, runner)
        os.kill({"step": step, "warm": warm, "supervisor": _supervisor(runner)}[kill], number)
        if kill == "warm":
            time.sleep(0.2)
        out, err = runner.communicate(timeout=60)
    project.write("go", "")
    return Answer(runner.returncode, out, err)


def test_a_list_of_runs_tells_of_the_killed_one_in_one_line(killed: CommandLine) -> None:
    listed = killed("run", "list")
    assert listed.err.splitlines() == [LINE]
    assert "interrupted" in listed.out
    document = killed("run", "list", "--json")
    assert (document.json()[0]["status"], document.err.splitlines()) == ("interrupted", [LINE])


def test_the_killed_run_itself_says_so(killed: CommandLine) -> None:
    shown = killed("run", "show", "dead")
    assert (shown.out + shown.err).count("its process died; to go on where it stopped") == 1
    assert shown.out.splitlines()[0] == "run dead of pipeline napping: interrupted"
    document = killed("run", "show", "dead", "--json")
    assert (document.json()["status"], document.err.splitlines()) == ("interrupted", [LINE])


@pytest.mark.parametrize("command", [["-m", "dovetail", "run", "run.py"], ["run.py"]])
def test_the_next_run_of_the_same_pipeline_tells_of_the_killed_one(
    killed: CommandLine, command: list[str]
) -> None:
    answer = killed.python(*command)
    assert answer.code == 0
    assert answer.err.splitlines()[0] == f"  note: {LINE}"
    assert killed("run", "list").err == ""  # a newer run has done its work


def test_resuming_tells_what_happened_and_completes_the_run(killed: CommandLine) -> None:
    answer = killed("run", "resume", "dead")
    assert answer.code == 0
    assert "run dead was interrupted: its process died; it goes on where it stopped" in answer.err
    assert killed("run", "list").err == ""


def test_several_killed_runs_are_one_line(project: CommandLine) -> None:
    for name in ("one", "dead"):
        (project.directory / "started").unlink(missing_ok=True)
        with project.spawn("run", "run.py", "--name", name, "-q", "--no-cache") as runner:
            _started(project, runner)
            runner.kill()
    assert project("run", "list").err.splitlines() == [
        "2 runs were interrupted: their processes died; to go on with the newest: dovetail run resume dead"
    ]


@pytest.mark.parametrize(
    ("kill", "number", "said"),
    [
        ("step", signal.SIGKILL, "its process was ended by SIGKILL"),
        ("step", signal.SIGSEGV, "its process was ended by SIGSEGV"),
        ("warm", signal.SIGKILL, "the process it was forked from ended (SIGKILL)"),
        ("supervisor", signal.SIGKILL, "the supervisor of the steps died"),
    ],
)
def test_a_run_that_loses_another_process_says_which_step_how_it_ended_and_what_to_type(
    project: CommandLine, kill: str, number: int, said: str
) -> None:
    answer = _ended(project, kill=kill, number=number)
    assert answer.code == 1
    error, hint = answer.err.splitlines()
    assert error.startswith("error: step 'slow' failed: ")
    assert said in error
    assert hint == (
        "hint: its output: dovetail run logs hurt slow; to go on where it stopped: dovetail run resume hurt"
    )
    assert project("run", "resume", "hurt", "-q").code == 0


def test_a_run_ended_by_ctrl_c_says_what_to_type(project: CommandLine) -> None:
    with project.spawn("run", "run.py", "--name", "ended", "-q") as runner:
        _started(project, runner)
        runner.send_signal(signal.SIGINT)
        _, err = runner.communicate(timeout=60)
    assert runner.returncode == 130
    assert err.splitlines() == [
        "error: run 'ended' was cancelled",
        "hint: to go on where it stopped: dovetail run resume ended",
    ]

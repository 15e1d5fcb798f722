"""kill -9 in the middle of a run: the store stays readable, the run is interrupted, resume finishes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from dovetail.testing.command_line import CommandLine

SCRIPT = """
import pathlib
import time
from dovetail import pipeline, step

@step
def quick() -> int:
    with open("witness", "a") as file:
        file.write("quick\\n")
    return 1

@step
def slow(value: int) -> int:
    pathlib.Path("started").touch()
    if not pathlib.Path("go").exists():
        time.sleep(600)
    return value + 1

@step
def last(value: int) -> int:
    return value * 10

@pipeline
def killed():
    last(slow(quick()))

killed.run()
"""


def _until_started(cli: CommandLine) -> None:
    """Wait until the slow step is there."""
    deadline = time.monotonic() + 60
    while not (cli.directory / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_run_is_interrupted_at_once_and_resume_finishes_it(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    child = cli.spawn("run", "run.py")
    _until_started(cli)
    assert cli("run", "list", "--json").json()[0]["status"] == "running"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert cli("run", "list", "--json").json()[0]["status"] == "interrupted"
    cli.write("go", "")
    answer = cli("run", "resume", "last", "--json")
    assert answer.code == 0, answer.err
    assert {each["status"] for each in answer.json()["steps"]} == {"completed"}
    assert (cli.directory / "witness").read_text() == "quick\n"
    look = "from dovetail import Client; print([a.reason for a in Client().run().step('slow').attempts])"
    assert cli.python("-c", look).out == "['lost', 'completed']\n"


def test_ctrl_c_cancels_the_run(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    child = cli.spawn("run", "run.py")
    _until_started(cli)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert cli("run", "list", "--json").json()[0]["status"] == "cancelled"


def test_ctrl_c_of_a_script_leaves_with_130(cli: CommandLine) -> None:
    path = cli.write("run.py", SCRIPT)
    child = subprocess.Popen(
        [sys.executable, str(path)],
        cwd=cli.directory,
        env=cli.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    _until_started(cli)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert "was cancelled" in err
    assert "Traceback" not in err

"""Failpoints do what they are armed with, at the arrival that is named, in the process that arrives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail import failpoints
from dovetail.testing.command_line import CommandLine

RUN = """
from dovetail import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def ones():
    one()

ones.run()
"""
PASS = "from dovetail.failpoints import hit\nfor number in range(3): hit('write'); print(number, flush=True)"


def passing(point: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DOVETAIL_FAILPOINT": point, **variables}
    return subprocess.run([sys.executable, "-c", PASS], env=env, capture_output=True, text=True, check=False)


def test_unarmed_points_do_nothing() -> None:
    assert not failpoints.armed()
    assert passing("").stdout == "0\n1\n2\n"
    assert passing("rename:kill").stdout == "0\n1\n2\n"


@pytest.mark.parametrize(
    ("action", "code"), [("kill", -signal.SIGKILL), ("exit", 70), ("raise", 1), ("", -signal.SIGKILL)]
)
def test_a_point_acts_at_the_arrival_that_is_named(action: str, code: int) -> None:
    assert (passing(f"write:{action}").returncode, passing(f"write:{action}").stdout) == (code, "")
    third = passing(f"claim:kill,write:{action}:3")
    assert (third.returncode, third.stdout) == (code, "0\n1\n")


def test_a_point_that_only_tells_names_who_passes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert passing("write:tell", DOVETAIL_FAILPOINT_LOG=str(log)).stdout == "0\n1\n2\n"
    lines = log.read_text().splitlines()
    assert len(lines) == 3
    assert {each.split()[0] for each in lines} == {"write"}


@pytest.mark.parametrize("point", ["write:kill:x", "write:kill:0", "write:kill:-1", "write:dance", ":kill"])
def test_what_arms_nothing_is_told_by_one_message(point: str, tmp_path: Path) -> None:
    command = CommandLine(tmp_path, tmp_path / "home")
    command.write("run.py", RUN)
    answer = command("run", "run.py", env={"DOVETAIL_FAILPOINT": f"claim:tell,{point}"})
    assert answer.code == 4
    assert answer.err.splitlines()[-2:] == [
        f"error: DOVETAIL_FAILPOINT holds {point!r}, which is no failpoint",
        "hint: write name:action or name:action:count; actions are kill, exit, stop, raise, sleep, tell",
    ]


def test_points_can_be_armed_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", {})
    failpoints.arm("retry:raise:2")
    failpoints.hit("retry")
    with pytest.raises(OSError, match="failpoint 'retry'"):
        failpoints.hit("retry")
    failpoints.hit("retry")

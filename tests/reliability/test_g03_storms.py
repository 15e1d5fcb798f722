"""Kills of the processes beside the runner, at random moments: supervisor, warm process, all at once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from dovetail.records.run import Status
from dovetail.testing.storm import Shot, Storm

WORKS = 0.3
"""For about so many seconds a diamond computes."""


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def struck(storm: Storm, seed: int, chance: random.Random, *kinds: str) -> Shot:
    """Start a diamond, and kill its processes of these kinds while it computes."""
    shot = storm.start("shapes.py:diamond", "--param", f"load.seed={seed}")
    shot.until(lambda: storm.executed(shot) > 0)
    time.sleep(chance.uniform(0, WORKS))
    found = shot.processes()
    doomed = [pid for kind in kinds for pid in found[kind]]
    chance.shuffle(doomed)
    kill(doomed)
    shot.process.wait(100)
    return shot


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["supervisor", "warm"])
def test_g01_the_supervisor_or_the_warm_process_is_killed_at_any_moment(
    storm: Storm,
    kind: str,
    chance: random.Random,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    kills = size(1, 20)
    for seed in range(kills):
        shot = struck(storm, seed, chance, kind)
        run = storm.look(shot)
        assert run is not None
        assert run.status in {Status.FAILED, Status.COMPLETED}
        assert shot.process.returncode == (run.status is Status.FAILED)
        storm.resume(shot)
    tell(f"{kills} kills of the {kind} process: {storm.histogram()}; {len(storm.problems)} violations")
    assert storm.problems == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kinds", [("runner", "supervisor"), ("runner", "supervisor", "warm", "others")])
def test_g03_the_runner_is_killed_together_with_its_supervisor_or_with_all(
    storm: Storm,
    kinds: tuple[str, ...],
    chance: random.Random,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    kills = size(1, 20)
    for seed in range(kills):
        shot = struck(storm, seed, chance, *kinds)
        storm.look(shot, command=seed == 0)
        storm.resume(shot)
    tell(f"{kills} kills of {' + '.join(kinds)}: {storm.histogram()}; {len(storm.problems)} violations")
    assert storm.problems == []


@pytest.mark.timeout(600)
def test_g01_the_process_group_of_the_runner_is_killed(
    storm: Storm, chance: random.Random, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    kills = size(1, 20)
    for seed in range(kills):
        modes = ["--in-process"] if seed % 2 else []
        shot = storm.start("shapes.py:diamond", "--param", f"load.seed={seed}", *modes)
        shot.until(lambda: storm.executed(shot) > 0)  # noqa: B023 - asked at once
        time.sleep(chance.uniform(0, WORKS))
        with suppress(ProcessLookupError):
            os.killpg(shot.process.pid, signal.SIGKILL)
        shot.process.wait(100)
        storm.look(shot)
        storm.resume(shot, *modes)
    tell(f"{kills} kills of the process group: {storm.histogram()}; {len(storm.problems)} violations")
    assert storm.problems == []

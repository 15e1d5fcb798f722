"""kill -9 of the runner at random moments: nothing is lost, and a resume completes what was begun."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.records.run import Status
from dovetail.testing.storm import BETWEEN, Shot, Storm

SHAPES = ("diamond", "chain", "fan_out", "fan_in", "several")
CASES = [*((shape, "") for shape in SHAPES), *((shape, "--in-process") for shape in SHAPES[-3:])]
AIMED = 0.8
"""How many of the kills come while steps are computed; the others come at any time."""
RESUMES_KILLED = 0.3


def measured(storm: Storm, shape: str, mode: list[str]) -> tuple[float, float]:
    """Return for how many seconds a run lasts that nobody disturbs, and for how many its steps do."""
    begun = time.monotonic()
    shot = storm.start(f"shapes.py:{shape}", *mode)
    shot.until(lambda: storm.executed(shot) > 0)
    started = time.time()
    assert shot.process.wait(100) == 0
    lasts = time.monotonic() - begun
    run = storm.look(shot)
    assert run is not None
    storm.phases.clear()
    reports = Path(storm.cli.home, "store", "runs").rglob("reports/*.json")
    return lasts, max(each.stat().st_mtime for each in reports) - started


def strike(storm: Storm, shot: Shot, chance: random.Random, times: tuple[float, float]) -> None:
    """Kill the runner at a random moment."""
    lasts, works = times
    if chance.random() < AIMED:
        shot.until(lambda: storm.executed(shot) > 0)
        time.sleep(chance.uniform(0, works))
    else:
        time.sleep(chance.uniform(0, lasts))
    shot.kill()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("shape", "mode"), CASES)
def test_g01_after_a_kill_9_of_the_runner_at_any_moment_resume_completes_and_nothing_is_lost(
    storm: Storm,
    shape: str,
    mode: str,
    chance: random.Random,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    kills = size(1, 10 if mode else 14)
    modes = [mode] if mode else []
    times = measured(storm, shape, modes) if kills > 1 else (1.0, 0.25)
    for seed in range(1, kills + 1):
        shot = storm.start(f"shapes.py:{shape}", "--param", f"load.seed={seed}", *modes)
        strike(storm, shot, chance, times)
        run = storm.look(shot, command=True)
        assert run is None or run.status in {Status.INTERRUPTED, Status.COMPLETED}
        if run and chance.random() < RESUMES_KILLED:
            again = storm.again(shot, *modes)
            time.sleep(chance.uniform(0.2, 0.9))
            again.kill()
            storm.look(again)
        storm.resume(shot, *modes)
    storm.verify()
    tell(
        f"{sum(storm.phases.values())} kills of {shape} {mode}: {storm.histogram()}; "
        f"{storm.resumed} resumed, {len(storm.problems)} violations"
    )
    assert storm.problems == []
    assert storm.phases[BETWEEN] >= size(0, round(0.6 * kills))

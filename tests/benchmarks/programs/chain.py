"""Run a chain of trivial steps with Dovetail; print the seconds per step, by the mode asked for.

`chain.py in-process|cached|processes COUNT`: the best of several runs after a warm-up, each of COUNT steps.
Run-wide costs are in it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from dovetail import pipeline, step

MODE, COUNT = sys.argv[1], int(sys.argv[2])
RUNS = 10 if MODE == "processes" else 30


@step
def first(start: int) -> int:
    """Begin the chain."""
    return start


@step
def add(value: int) -> int:
    """Go on by one."""
    return value + 1


@pipeline
def chain(start: int = 0) -> None:
    """Call a step after the other."""
    value = first(start=start)
    for _ in range(COUNT - 1):
        value = add(value)


def once(start: int) -> float:
    """Run the chain; return the seconds it took."""
    begin = time.perf_counter()
    run = chain(start=start).run(in_process=MODE != "processes", enable_cache=MODE == "cached", quiet=True)
    took = time.perf_counter() - begin
    expected = "cached" if MODE == "cached" and start < 0 else "completed"
    if any(each.status != expected for each in run.steps.values()):
        raise SystemExit(f"not every step is {expected}")
    return took


def best() -> float:
    """Return the seconds of the best of several runs after a warm-up."""
    if MODE == "cached":
        chain(start=-1).run(in_process=True, quiet=True)
        once(-1)
        return min(once(-1) for _ in range(RUNS))
    once(0)
    return min(once(index) for index in range(RUNS))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as home:  # as small as what the floor begins with
        os.environ["DOVETAIL_HOME"] = home
        print(best() / COUNT)

"""Compile and run pipelines of growing size; print marginal seconds per step, small and large, or memory.

`compiling.py chain|fan-out`: prints the marginal time to compile a step from 500 to 1,000 steps and from
5,000 to 10,000. `compiling.py running`: the same for running in process. `compiling.py memory`: by how many
bytes the resident memory at step 10,000 of one run, the first of its process, is above that at step 1,000.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dovetail import pipeline, step

SHAPE = sys.argv[1]
SMALLEST, LARGEST = 500, 10_000
seen: dict[int, int] = {}


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@step(enable_cache=False)
def first() -> int:
    """Begin."""
    return 0


@step(enable_cache=False)
def add(value: int) -> int:
    """Go on by one."""
    if value in (999, 9_998):
        gc.collect()
        seen[value] = resident()
    return value + 1


@pipeline
def grown(count: int, shape: str) -> None:
    """Make `count` steps: each after the one before, or all after the first."""
    value = first()
    for _ in range(count - 1):
        made = add(value)
        value = made if shape == "chain" else value


def compile_once(count: int) -> float:
    """Return the seconds of the processor it takes to compile."""
    gc.collect()
    begin = time.process_time()
    plan = grown(count, SHAPE).compile()
    took = time.process_time() - begin
    if len(plan.steps) != count:
        raise SystemExit("steps are missing")
    return took


def run_once(count: int) -> float:
    """Return the seconds of the processor it takes to run in process."""
    gc.collect()
    begin = time.process_time()
    grown(count, "chain").run(in_process=True, quiet=True)
    return time.process_time() - begin


def marginal(once: Callable[[int], float], size: int, times: int) -> float:
    """Return the seconds per step from `size` to twice as many.

    Small sizes are repeated until they take as long as large ones, so that what else goes on on the machine
    adds as much to both.
    """
    few = sum(once(size) for _ in range(times))
    return (sum(once(2 * size) for _ in range(times)) - few) / (size * times)


def main() -> None:
    """Print small and large marginal time per step, or the growth of memory."""
    if SHAPE == "memory":
        run_once(LARGEST)
        print(seen[9_998] - seen[999])
        return
    once, rounds = (run_once, 2) if SHAPE == "running" else (compile_once, 5)
    once(SMALLEST)
    taken = [(marginal(once, 500, 10), marginal(once, 5_000, 1)) for _ in range(rounds)]
    print(*map(statistics.median, zip(*taken, strict=True)))


if __name__ == "__main__":
    main()

"""Compile and run pipelines of growing size; print marginal seconds per step, small and large, or memory.

`compiling.py chain|fan-out`: prints the marginal time to compile a step from 500 to 1,000 steps and from
5,000 to 10,000. `compiling.py running`: the same for running in process. `compiling.py memory`: by how many
bytes the resident memory at step 10,000 of one run, the first of its process, is above that at step 1,000.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

from dovetail import pipeline, step

SHAPE = sys.argv[1]
SIZES = (500, 1_000, 5_000, 10_000)
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


def main() -> None:
    """Print small and large marginal time per step, or the growth of memory."""
    if SHAPE == "memory":
        run_once(SIZES[-1])
        print(seen[9_998] - seen[999])
        return
    once, rounds = (run_once, 2) if SHAPE == "running" else (compile_once, 9)
    once(SIZES[0])
    # All sizes in every round, so that what disturbs the machine for a while disturbs them alike.
    taken = [{size: once(size) for size in SIZES} for _ in range(rounds)]
    times = {size: min(each[size] for each in taken) for size in SIZES}
    small = (times[1_000] - times[500]) / 500
    large = (times[10_000] - times[5_000]) / 5_000
    print(small, large)


if __name__ == "__main__":
    main()

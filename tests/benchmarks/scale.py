"""What size costs: thousands of steps in a plan and in a run, a hundred thousand runs in a store."""

from __future__ import annotations

import functools

from installation import with_plugins
from row import Measurement, row

MEGABYTE = 1e6


@functools.cache
def _growth(shape: str) -> tuple[float, float, float]:
    made = with_plugins(0)
    small, large, memory = map(float, made.run(made.python, made.program("compiling.py"), shape).split())
    return 1e6 * small, 1e6 * large, memory / MEGABYTE


@row("compile, per step: 5,000-10,000 against 500-1,000, chain", unit="us", bound=1.3)
def compile_chain() -> Measurement:
    small, large, _ = _growth("chain")
    return Measurement(ours=large, floor=small)


@row("compile, per step: 5,000-10,000 against 500-1,000, fan-out", unit="us", bound=1.3)
def compile_fan_out() -> Measurement:
    small, large, _ = _growth("fan-out")
    return Measurement(ours=large, floor=small)


@row("run in process, per step: 5,000-10,000 against 500-1,000", unit="us", bound=1.3)
def run_chain() -> Measurement:
    small, large, _ = _growth("running")
    return Measurement(ours=large, floor=small)


@row("memory at step 10,000 above that at step 1,000", unit="MB", bound=20)
def run_memory() -> Measurement:
    return Measurement(ours=_growth("running")[2])


@row("first page of runs: 100,000 against 1,000", unit="us", bound=2)
def first_page() -> Measurement:
    made = with_plugins(0)
    few, many = map(float, made.run(made.python, made.program("many_runs.py")).split())
    return Measurement(ours=1e6 * many, floor=1e6 * few)

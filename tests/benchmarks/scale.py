"""What size costs: thousands of steps in a plan and in a run, a hundred thousand runs in a store."""

from __future__ import annotations

from installation import with_plugins
from row import Measurement, row

MEGABYTE = 1e6


def _growth(shape: str) -> Measurement:
    made = with_plugins(0)
    small, large = map(float, made.run(made.python, made.program("compiling.py"), shape).split())
    return Measurement(ours=1e6 * large, floor=1e6 * small)


@row("compile, per step: 5,000-10,000 against 500-1,000, chain", unit="us", bound=1.3)
def compile_chain() -> Measurement:
    return _growth("chain")


@row("compile, per step: 5,000-10,000 against 500-1,000, fan-out", unit="us", bound=1.3)
def compile_fan_out() -> Measurement:
    return _growth("fan-out")


@row("run in process, per step: 5,000-10,000 against 500-1,000", unit="us", bound=1.3)
def run_chain() -> Measurement:
    return _growth("running")


@row("memory at step 10,000 above that at step 1,000", unit="MB", bound=20)
def run_memory() -> Measurement:
    made = with_plugins(0)
    return Measurement(ours=float(made.run(made.python, made.program("compiling.py"), "memory")) / MEGABYTE)


@row("first page of runs: 100,000 against 1,000", unit="us", bound=2)
def first_page() -> Measurement:
    made = with_plugins(0)
    few, many = map(float, made.run(made.python, made.program("many_runs.py")).split())
    return Measurement(ours=1e6 * many, floor=1e6 * few)

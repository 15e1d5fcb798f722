"""What running costs: chains of trivial steps, cached steps, processes, parallel steps."""

from __future__ import annotations

from clock import paired
from installation import Installation, with_plugins
from row import Measurement, row

CHAIN = 50
PAIRS = 5


def _per_step(made: Installation, program: str, mode: str) -> float:
    """Return the microseconds per step that a program measured of itself."""
    return 1e6 * float(made.run(made.python, made.program(program), mode, str(CHAIN)))


def _chain(mode: str) -> Measurement:
    made = with_plugins(0)
    return paired(
        lambda: _per_step(made, "floor_chain.py", mode),
        lambda: _per_step(made, "chain.py", mode),
        pairs=PAIRS,
        warm=1,
        of=min,
    )


@row("chain of 50 steps in process, per step", unit="us", bound=8)
def chain_in_process() -> Measurement:
    return _chain("in-process")


@row("chain of 50 steps all cached, per step", unit="us", bound=10)
def chain_cached() -> Measurement:
    return _chain("cached")


@row("chain of 50 steps in processes, per step", unit="us", bound=5)
def chain_processes() -> Measurement:
    return _chain("processes")


@row("16 sleeping steps at once, start to end", unit="s", bound=1.5)
def parallel_steps() -> Measurement:
    made = with_plugins(0)
    span, longest = map(float, made.run(made.python, made.program("parallel.py")).split())
    return Measurement(ours=span, floor=longest)

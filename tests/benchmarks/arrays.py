"""What large values cost on their way through one hop: arrays and tables."""

from __future__ import annotations

from functools import cache

from clock import paired
from installation import Installation, with_wheels
from row import Measurement, row

ARRAY = 256 << 20
PAIRS = 3


@cache
def _made() -> Installation:
    return with_wheels("dovetail-numpy", "dovetail-pandas")


def _hop(shape: str) -> Measurement:
    made = _made()
    return paired(
        lambda: 1000 * float(made.run(made.python, made.program("floor_hop.py"), shape)),
        lambda: 1000 * float(made.run(made.python, made.program("hop.py"), shape, "seconds")),
        pairs=PAIRS,
        warm=0,
        of=min,
    )


@row("array of 256 MB through one hop", unit="ms", bound=1.3)
def array() -> Measurement:
    return _hop("array")


@row("growth of a process by an array of 256 MB", unit="MB", bound=1.2)
def growth() -> Measurement:
    made = _made()
    found = float(made.run(made.python, made.program("hop.py"), "array", "growth"))
    return Measurement(ours=found / 1e6, floor=ARRAY / 1e6)


@row("frame of 2 million x 8 through one hop", unit="ms", bound=1.3)
def frame() -> Measurement:
    return _hop("frame")

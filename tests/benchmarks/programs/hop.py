"""Send a large value from one step's process to another's with Dovetail; print seconds or growth.

`hop.py array|frame seconds`: from the end of the body of the step that makes the value to the begin of the
body of the step that takes it, the best of several runs. `hop.py array|frame growth`: by how many bytes
the process that grew most (the one that makes it, the one that takes it, the launcher) grew at its largest.
"""

from __future__ import annotations

import re
import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import values

from dovetail import pipeline, step
from dovetail.plugin import step_context

SHAPE, WANTED = sys.argv[1], sys.argv[2]
RUNS = 5
PEAK = Path("peak-of-maker")


def peak() -> int:
    """Return the most memory this process ever had, in bytes."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def watch() -> None:
    """Note the peak of this process in a file until it ends, for it ends after the step's body."""
    fresh = PEAK.with_suffix(".new")
    while True:
        fresh.write_text(str(peak()))
        fresh.replace(PEAK)
        time.sleep(0.005)


def begin() -> None:
    """Note how large the process is before there is a value."""
    step_context().log_metric("before", peak())
    if WANTED == "growth":
        threading.Thread(target=watch, daemon=True).start()


@step(enable_cache=False)
def make_array() -> np.ndarray:
    """Make the array."""
    begin()
    value = values.array()
    step_context().log_metric("clock", time.monotonic())
    return value


@step(enable_cache=False)
def make_frame() -> pd.DataFrame:
    """Make the frame."""
    begin()
    value = values.frame()
    step_context().log_metric("clock", time.monotonic())
    return value


@step(enable_cache=False)
def take_array(value: np.ndarray) -> int:
    """Take the array; its time is taken first."""
    step_context().log_metric("clock", time.monotonic())
    step_context().log_metric("peak", peak())
    return len(value)


@step(enable_cache=False)
def take_frame(value: pd.DataFrame) -> int:
    """Take the frame."""
    step_context().log_metric("clock", time.monotonic())
    step_context().log_metric("peak", peak())
    return len(value)


@pipeline
def hop() -> None:
    """Make and take."""
    if SHAPE == "array":
        take_array(make_array())
    else:
        take_frame(make_frame())


def once() -> tuple[float, int]:
    """Run it; return seconds of the hop and growth of the process that grew most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    run = hop.run(quiet=True)
    launcher = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    maker, taker = (run.step(f"{verb}_{SHAPE}").metrics for verb in ("make", "take"))
    made = int(PEAK.read_text()) if WANTED == "growth" else 0
    # Both are forked from the same process, so what the maker was before is what the taker was.
    grown = max(launcher, made - int(maker["before"]), int(taker["peak"] - maker["before"]))
    return taker["clock"] - maker["clock"], grown


if __name__ == "__main__":
    once()
    found = [once() for _ in range(RUNS if WANTED == "seconds" else 1)]
    seconds, growth = zip(*found, strict=True)
    print(min(seconds) if WANTED == "seconds" else max(growth))

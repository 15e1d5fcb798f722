"""The floor of a hop: write the value to a file, take its digest, take it again, read it; print seconds.

`floor_hop.py array|frame`: the best of several rounds after a warm-up. Each writes a file of its own and
flushes it when the time is taken, as a run does at its end.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import values
from blake3 import blake3

SHAPE = sys.argv[1]
RUNS = 5
PIECE = 1 << 18


def digest(path: Path) -> str:
    """Return the digest of a file, read in pieces that fit the processor's cache."""
    state, buffer = blake3(), bytearray(PIECE)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            state.update(view[:count])
    return state.hexdigest()


def array(path: Path) -> float:
    """Return the seconds of an array's way to a file and back."""
    value = values.array()
    begin = time.perf_counter()
    with path.open("xb") as stream:
        np.save(stream, value)
    written = digest(path)
    found = digest(path)
    again = np.load(path)
    took = time.perf_counter() - begin
    if written != found or again.shape != value.shape:
        raise SystemExit("not the same")
    return took


def frame(path: Path) -> float:
    """Return the seconds of a frame's way to a file and back."""
    value = values.frame()
    begin = time.perf_counter()
    value.to_parquet(path)
    written = digest(path)
    found = digest(path)
    again = pd.read_parquet(path)
    took = time.perf_counter() - begin
    if written != found or again.shape != value.shape:
        raise SystemExit("not the same")
    return took


def once(path: Path) -> float:
    """Make the round; flush what it wrote."""
    took = (array if SHAPE == "array" else frame)(path)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    return took


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        taken = [once(Path(folder) / str(number)) for number in range(RUNS + 1)]
    print(min(taken[1:]))

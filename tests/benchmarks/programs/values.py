"""The large values that are sent through a hop."""

from __future__ import annotations

import numpy as np
import pandas as pd

ARRAY_BYTES = 256 << 20
ROWS = 2_000_000


def array() -> np.ndarray:
    """Return 256 MB of floating-point numbers that touch every page."""
    return np.arange(ARRAY_BYTES // 8, dtype=np.float64)


def frame() -> pd.DataFrame:
    """Return two million rows of eight columns: numbers, whole numbers, truth, times, text."""
    numbers = np.random.default_rng(7)
    columns = {f"number_{index}": numbers.normal(size=ROWS) for index in range(4)}
    return pd.DataFrame(
        {
            **columns,
            "count": numbers.integers(0, 1_000, ROWS),
            "valid": numbers.integers(0, 2, ROWS).astype(bool),
            "seen": pd.date_range("2020-01-01", periods=ROWS, freq="s"),
            "place": numbers.choice(["north", "east", "south", "west"], ROWS),
        }
    )

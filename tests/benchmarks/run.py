"""Measure the rows and print the table; `run.py startup scale` measures only those whose name or module fits.

Leaves with 1 when a row breaks its bound.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from row import ROWS, Measurement, Row

sys.path.append(str(Path(__file__).resolve().parents[1] / "servers"))
MODULES = ("startup", "footprint", "execution", "arrays", "stores", "operators", "scale")


def chosen(words: list[str]) -> list[Row]:
    """Return the rows whose module is, or whose name contains, one of `words`; all where there is none."""
    for module in MODULES:
        importlib.import_module(module)
    return [
        row
        for row in ROWS
        if not words or any(word in (row.group, row.name) or word in row.name for word in words)
    ]


def line(row: Row, found: Measurement) -> str:
    """Return a row of the table."""
    floor = "" if found.floor is None else f"{found.floor:.2f}"
    ratio = "" if found.floor is None else f"{found.compared:.2f}"
    verdict = "ok" if found.compared <= row.bound else "FAILED"
    return f"{row.name:<48}{floor:>10}{found.ours:>10.2f} {row.unit:<8}{ratio:>7}{row.bound:>8g}  {verdict}"


def main(words: list[str]) -> int:
    """Print the table; return 1 when a row breaks its bound."""
    rows = chosen(words)
    if not rows:
        print(f"no row is called {' or '.join(words)}")
        return 2
    print(f"{'row':<48}{'floor':>10}{'ours':>10} {'':<8}{'ratio':>7}{'bound':>8}  verdict", flush=True)
    kept = True
    for row in rows:
        found = row.measure()
        kept = kept and found.compared <= row.bound
        print(line(row, found), flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A row of the table: something measured against its floor, and the bound it has to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """What a row found. `floor` None: the bound is on `ours` itself, not on a ratio."""

    ours: float
    floor: float | None = None

    @property
    def compared(self) -> float:
        """The number the bound is about."""
        return self.ours if self.floor is None else self.ours / self.floor


@dataclass(frozen=True)
class Row:
    """One promise: its name, the unit of what is measured, and the most that `compared` may be."""

    name: str
    unit: str
    bound: float
    measure: Callable[[], Measurement]

    @property
    def group(self) -> str:
        """The module the row stands in."""
        return self.measure.__module__


ROWS: list[Row] = []


def row(
    name: str, *, unit: str, bound: float
) -> Callable[[Callable[[], Measurement]], Callable[[], Measurement]]:
    """Register the function below as a row of the table."""

    def register(measure: Callable[[], Measurement]) -> Callable[[], Measurement]:
        ROWS.append(Row(name, unit, bound, measure))
        return measure

    return register

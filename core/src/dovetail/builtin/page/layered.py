"""A layered layout of a directed acyclic graph, from left to right.

The frame is that of Sugiyama, Tagawa and Toda (1981): layers by longest path, long edges cut by bends,
crossings lessened by barycentres. Places within a layer are then the least-squares ones that keep the
order and the distances, found by pooling adjacent violators. Linear in nodes and bends but for sorting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 6
# How much of a row's height the bend of an edge takes, a node takes 1.
_BEND = 0.4
# Edges that would need more bends than this in all are drawn straight across.
_MOST_BENDS = 20_000

Edge = tuple[str, str]


@dataclass(slots=True)
class Layout:
    """Where everything is: column and row of each node (rows are fractions), bends of each edge likewise."""

    places: dict[str, tuple[int, float]] = field(default_factory=dict)
    bends: dict[Edge, list[tuple[int, float]]] = field(default_factory=dict)
    columns: int = 0
    rows: float = 0.0


def arrange(names: Sequence[str], edges: Iterable[Edge]) -> Layout:
    """Place the nodes; `names` are in an order in which edges lead only forward."""
    known = set(names)
    unique = [(one, two) for one, two in dict.fromkeys(edges) if one in known and two in known]
    layer = _layers(names, unique)
    grid = _Grid(names, unique, layer)
    for sweep in range(_SWEEPS):
        grid.sort(forward=sweep % 2 == 0)
    grid.settle()
    return grid.layout(names)


def _layers(names: Sequence[str], edges: list[Edge]) -> dict[str, int]:
    """Return the column of each node: behind its last predecessor; sources stand right before their use."""
    into: dict[str, list[str]] = {name: [] for name in names}
    out: dict[str, list[str]] = {name: [] for name in names}
    for one, two in edges:
        into[two].append(one)
        out[one].append(two)
    layer: dict[str, int] = {}
    for name in names:
        layer[name] = max((layer[each] + 1 for each in into[name] if each in layer), default=0)
    for name in names:
        if not into[name] and out[name]:
            layer[name] = max(0, min(layer[each] for each in out[name]) - 1)
    return layer


class _Grid:
    """Nodes and bends as numbers, in columns."""

    def __init__(self, names: Sequence[str], edges: list[Edge], layer: dict[str, int]) -> None:
        self.number = {name: number for number, name in enumerate(names)}
        self.column = [layer[name] for name in names]
        self.size = [1.0] * len(names)
        self.left: list[list[int]] = [[] for _ in names]
        self.right: list[list[int]] = [[] for _ in names]
        self.chains: dict[Edge, list[int]] = {}
        bends = sum(layer[two] - layer[one] - 1 for one, two in edges)
        for edge in edges:
            self._link(edge, bend=bends <= _MOST_BENDS)
        self.columns: list[list[int]] = [[] for _ in range(max(self.column, default=-1) + 1)]
        for number, column in enumerate(self.column):
            self.columns[column].append(number)
        self.row = [0.0] * len(self.column)
        for members in self.columns:
            self._number(members)

    def _link(self, edge: Edge, *, bend: bool) -> None:
        one, two = (self.number[name] for name in edge)
        chain = self.chains[edge] = []
        if bend:
            for column in range(self.column[one] + 1, self.column[two]):
                chain.append(len(self.column))
                self.column.append(column)
                self.size.append(_BEND)
                self.left.append([])
                self.right.append([])
        for here, there in pairwise([one, *chain, two]):
            self.right[here].append(there)
            self.left[there].append(here)

    def _number(self, column: list[int]) -> None:
        for row, number in enumerate(column):
            self.row[number] = float(row)

    def sort(self, *, forward: bool) -> None:
        """Order each column by the mean row of the neighbours on one side."""
        near = self.left if forward else self.right
        for column in self.columns if forward else reversed(self.columns):
            column.sort(key=lambda number: self._mean(near[number], self.row[number]))
            self._number(column)

    def settle(self) -> None:
        """Give rows that are as near to the neighbours' as the distances allow."""
        for sweep in range(_SWEEPS):
            near = self.left if sweep % 2 == 0 else self.right
            for column in self.columns if sweep % 2 == 0 else reversed(self.columns):
                self._spread(column, [self._mean(near[each], self.row[each]) for each in column])
        for column in self.columns:
            wanted = [self._mean(self.left[each] + self.right[each], self.row[each]) for each in column]
            self._spread(column, wanted)

    def _mean(self, numbers: list[int], default: float) -> float:
        return sum(self.row[each] for each in numbers) / len(numbers) if numbers else default

    def _spread(self, column: list[int], wanted: list[float]) -> None:
        """Set the rows nearest to `wanted` (least squares) at which nothing overlaps."""
        offset, total = [], 0.0
        for place, number in enumerate(column):
            total += (self.size[column[place - 1]] + self.size[number]) / 2 if place else 0.0
            offset.append(total)
        pools: list[tuple[float, int]] = []
        for want, shift in zip(wanted, offset, strict=True):
            mean, count = want - shift, 1
            while pools and pools[-1][0] > mean:
                before, several = pools.pop()
                mean = (before * several + mean * count) / (several + count)
                count += several
            pools.append((mean, count))
        rows = [mean for mean, count in pools for _ in range(count)]
        for number, row, shift in zip(column, rows, offset, strict=True):
            self.row[number] = row + shift

    def layout(self, names: Sequence[str]) -> Layout:
        """Return the result with the topmost row at 0."""
        top = min(self.row, default=0.0)
        at = [(column, round(row - top, 3)) for column, row in zip(self.column, self.row, strict=True)]
        return Layout(
            places={name: at[self.number[name]] for name in names},
            bends={edge: [at[each] for each in chain] for edge, chain in self.chains.items()},
            columns=len(self.columns),
            rows=max((row for _, row in at), default=-1.0) + 1,
        )

"""Graphs of named nodes: a stable order, what is downstream, and which nodes may go next."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from dovetail.errors import PlanError

Graph = Mapping[str, AbstractSet[str]]
"""Each node with the nodes it waits for; all of them are keys."""


class CycleError(PlanError):
    """Nodes wait for each other; `cycle` lists them, each waiting for the next, the last for the first."""

    def __init__(self, cycle: Sequence[str], where: str | None = None) -> None:
        shown = [*cycle, cycle[0]] if len(cycle) <= _SHOWN else [*cycle[:_SHOWN], "...", cycle[0]]
        super().__init__(
            f"steps wait for each other: {' -> '.join(shown)}",
            hint="take one of these inputs or `.after(...)` away",
            where=where,
        )
        self.cycle = list(cycle)


_SHOWN = 12


def order(graph: Graph) -> list[str]:
    """Return the nodes so that each stands after all it waits for, else in the order of the mapping.

    Takes time linear in nodes and edges.

    Raises:
        CycleError: there is no such order.
    """
    place = {name: index for index, name in enumerate(graph)}
    placed: set[str] = set()
    found: list[str] = []
    for start in graph:
        if start not in placed:
            found.extend(_with_upstream(start, graph, place, placed))
    return found


def _with_upstream(start: str, graph: Graph, place: Mapping[str, int], placed: set[str]) -> Iterator[str]:
    """Yield what `start` waits for and is not placed yet, then `start`: depth first, without recursion."""
    path = [start]
    on_path = {start}
    pending = [_upstream(start, graph, place)]
    while path:
        for name in pending[-1]:
            if name in on_path:
                raise CycleError(path[path.index(name) :])
            if name not in placed:
                path.append(name)
                on_path.add(name)
                pending.append(_upstream(name, graph, place))
                break
        else:
            pending.pop()
            done = path.pop()
            on_path.remove(done)
            placed.add(done)
            yield done


def _upstream(name: str, graph: Graph, place: Mapping[str, int]) -> Iterator[str]:
    return iter(sorted(graph[name], key=place.__getitem__))


def waiting_for(graph: Graph) -> dict[str, list[str]]:
    """Return for each node those that wait for it, in the order of the mapping."""
    found: dict[str, list[str]] = {name: [] for name in graph}
    for name, upstream in graph.items():
        for each in upstream:
            found[each].append(name)
    return found


def downstream(graph: Graph, starts: Iterable[str]) -> set[str]:
    """Return all nodes that wait, directly or not, for one of `starts`; the starts only if they do so too."""
    return _reached(waiting_for(graph), starts)


def upstream(graph: Graph, starts: Iterable[str]) -> set[str]:
    """Return all nodes that `starts` wait for, directly or not; the starts only if others of them do so."""
    return _reached(graph, starts)


def _reached(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    pending = deque(starts)
    while pending:
        for name in edges[pending.popleft()]:
            if name not in found:
                found.add(name)
                pending.append(name)
    return found


class Ready(OrderedDict[str, None]):
    """Nodes that may go next, first come first; any of them can be taken out in constant time."""

    def append(self, name: str) -> None:
        """Add a node at the end."""
        self[name] = None

    def popleft(self) -> str:
        """Take out the node that has waited longest. Raises KeyError where there is none."""
        return self.popitem(last=False)[0]


class Frontier:
    """Which nodes may go next. Take them from `ready`; say of each whether it is done or blocks the rest.

    All calls together take time linear in nodes and edges.
    """

    def __init__(self, graph: Graph) -> None:
        self._waiting = waiting_for(graph)
        self._missing = {name: len(upstream) for name, upstream in graph.items()}
        self._settled: set[str] = set()
        self.ready = Ready()
        for name, count in self._missing.items():
            if count == 0:
                self.ready.append(name)

    @property
    def finished(self) -> bool:
        """Say whether every node is done or blocked."""
        return len(self._settled) == len(self._missing)

    def left(self) -> list[str]:
        """Return the nodes that are neither done nor blocked, in the order of the graph."""
        return [name for name in self._missing if name not in self._settled]

    def take(self, name: str) -> None:
        """Take a node out of `ready` if it is there, wherever it stands."""
        self.ready.pop(name, None)

    def done(self, name: str) -> None:
        """Say that `name` has ended well: what waited only for it becomes ready. Twice is as once."""
        if name in self._settled:
            return
        self._settled.add(name)
        for each in self._waiting[name]:
            self._missing[each] -= 1
            if self._missing[each] == 0 and each not in self._settled:
                self.ready.append(each)

    def block(self, name: str) -> list[str]:
        """Say that `name` will not end well; return, and settle, what can therefore never go."""
        if name in self._settled:
            return []
        self._settled.add(name)
        blocked: list[str] = []
        pending = deque([name])
        while pending:
            for each in self._waiting[pending.popleft()]:
                if each not in self._settled:
                    self._settled.add(each)
                    blocked.append(each)
                    pending.append(each)
        return blocked

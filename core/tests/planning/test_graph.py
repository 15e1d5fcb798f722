from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.planning.graph import CycleError, Frontier, downstream, order


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, set[str]]:
    """Draw a graph without cycles, its nodes in any order."""
    size = draw(st.integers(0, 12))
    graph = {
        f"n{number}": {f"n{each}" for each in draw(st.sets(st.integers(0, number - 1)))} if number else set()
        for number in range(size)
    }
    return {name: graph[name] for name in draw(st.permutations(list(graph)))}


@st.composite
def any_graph(draw: st.DrawFn) -> dict[str, set[str]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    return {name: set(draw(st.lists(st.sampled_from(names), max_size=3))) for name in names}


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return what waits for `start`, found the slow and sure way."""
    found: set[str] = set()
    for _ in graph:
        found |= {name for name, upstream in graph.items() if upstream & (found | {start})}
    return found


@settings(deadline=None)
@given(acyclic())
def test_every_node_stands_once_and_after_all_it_waits_for(graph: dict[str, set[str]]) -> None:
    found = order(graph)
    assert sorted(found) == sorted(graph)
    assert all(found.index(each) < found.index(name) for name, upstream in graph.items() for each in upstream)


@settings(deadline=None)
@given(acyclic())
def test_an_order_that_can_run_is_kept(graph: dict[str, set[str]]) -> None:
    fitting = {name: graph[name] for name in order(graph)}
    assert order(fitting) == list(fitting)


@settings(deadline=None)
@given(any_graph())
def test_a_cycle_is_found_if_there_is_one_and_named_in_its_order(graph: dict[str, set[str]]) -> None:
    cyclic = any(name in reachable(graph, name) for name in graph)
    if not cyclic:
        order(graph)
        return
    with pytest.raises(CycleError) as raised:
        order(graph)
    ring = raised.value.cycle
    assert all(ring[(place + 1) % len(ring)] in graph[name] for place, name in enumerate(ring))
    assert ring[0] in raised.value.message


@settings(deadline=None)
@given(acyclic(), st.data())
def test_downstream_is_what_waits_for_it(graph: dict[str, set[str]], data: st.DataObject) -> None:
    if graph:
        start = data.draw(st.sampled_from(sorted(graph)))
        assert downstream(graph, [start]) == reachable(graph, start)


@settings(deadline=None)
@given(acyclic(), st.data())
def test_a_frontier_gives_each_node_once_after_what_it_waits_for_and_none_behind_a_failure(
    graph: dict[str, set[str]], data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(graph)))) if graph else set()
    frontier, given_out, blocked = Frontier(graph), [], []
    while frontier.ready:
        name = frontier.ready.popleft()
        given_out.append(name)
        assert all(each in given_out and each not in failing for each in graph[name])
        if name in failing:
            blocked += frontier.block(name)
        else:
            frontier.done(name)
    assert frontier.finished
    assert frontier.left() == []
    assert max(Counter(given_out + blocked).values(), default=1) == 1
    assert set(blocked) == set(graph) - set(given_out)


def test_a_node_that_is_taken_elsewhere_is_not_given_out() -> None:
    frontier = Frontier({"a": set(), "b": set(), "c": {"a", "b"}})
    frontier.take("a")
    frontier.done("a")
    frontier.done("a")
    assert list(frontier.ready) == ["b"]
    assert frontier.left() == ["b", "c"]
    frontier.done("b")
    assert list(frontier.ready) == ["b", "c"]


def test_a_long_cycle_is_shortened_in_the_message() -> None:
    names = [f"step_{number}" for number in range(50)]
    graph = {name: {names[place - 1]} for place, name in enumerate(names)}
    with pytest.raises(CycleError, match=r"-> \.\.\. ->") as raised:
        order(graph)
    assert len(raised.value.cycle) == 50


class Counted(set[str]):
    """A set that counts how often it is gone through."""

    seen = 0

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - as set has it
        Counted.seen += 1
        return super().__iter__()


@pytest.mark.parametrize("shape", ["chain", "fan-out", "fan-in"])
def test_ordering_goes_through_each_nodes_edges_once_at_any_size(shape: str) -> None:
    size = 20_000
    upstream = {
        "chain": lambda number: {number - 1} if number else set(),
        "fan-out": lambda number: {0} if number else set(),
        "fan-in": lambda number: set(range(size - 1)) if number == size - 1 else set(),
    }[shape]
    graph = {f"n{number}": Counted(f"n{each}" for each in upstream(number)) for number in range(size)}
    backwards = dict(reversed(graph.items()))
    for each in (graph, backwards):
        Counted.seen = 0
        assert len(order(each)) == size
        assert Counted.seen == size

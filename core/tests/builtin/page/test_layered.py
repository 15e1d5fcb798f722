from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dovetail.builtin.page.layered import arrange

Graph = tuple[list[str], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"n{number}" for number in range(draw(st.integers(0, 25)))]
    pairs = [(one, two) for place, one in enumerate(names) for two in names[place + 1 :]]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=60)) if pairs else []
    return names, edges


@given(graphs())
def test_every_edge_leads_to_the_right(graph: Graph) -> None:
    layout = arrange(*graph)
    assert set(layout.places) == set(graph[0])
    assert all(layout.places[one][0] < layout.places[two][0] for one, two in graph[1])


@given(graphs())
def test_no_two_nodes_of_a_column_overlap(graph: Graph) -> None:
    layout = arrange(*graph)
    columns: dict[int, list[float]] = {}
    for column, row in layout.places.values():
        columns.setdefault(column, []).append(row)
    for rows in columns.values():
        assert all(two - one >= 0.99 for one, two in pairwise(sorted(rows)))
    assert all(0 <= row <= layout.rows - 1 + 1e-6 for _, row in layout.places.values())


@given(graphs())
def test_a_long_edge_bends_once_in_each_column_it_crosses(
    graph: Graph,
) -> None:
    layout = arrange(*graph)
    for (one, two), bends in layout.bends.items():
        first, last = layout.places[one][0], layout.places[two][0]
        assert [column for column, _ in bends] == list(range(first + 1, last))


def test_a_chain_is_a_straight_line() -> None:
    layout = arrange("abcd", [("a", "b"), ("b", "c"), ("c", "d")])
    assert layout.places == {"a": (0, 0.0), "b": (1, 0.0), "c": (2, 0.0), "d": (3, 0.0)}


def test_a_diamond_is_symmetric() -> None:
    layout = arrange("abcd", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    assert layout.places["a"][1] == layout.places["d"][1] == 0.5
    assert {layout.places[name][1] for name in "bc"} == {0.0, 1.0}


def test_a_source_stands_right_before_its_use() -> None:
    layout = arrange(["a", "b", "c", "late", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("late", "d")])
    assert layout.places["late"][0] == layout.places["c"][0]


def test_edges_to_nowhere_and_backwards_do_not_break_it() -> None:
    layout = arrange(["a", "b"], [("a", "gone"), ("b", "a"), ("a", "a")])
    assert set(layout.places) == {"a", "b"}


def test_lines_that_cross_are_put_apart() -> None:
    layout = arrange(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    upper = "a" if layout.places["a"][1] < layout.places["b"][1] else "b"
    assert (layout.places["y"][1] < layout.places["x"][1]) == (upper == "a")

"""Selections hold for every graph: what each choice means, and that they contradict each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.errors import NotFoundError, UsageError
from dovetail.execution.beginning.selection import Selection, graph_of, read_from
from dovetail.testing.run_facts import chain

Graph = dict[str, set[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    return {
        name: set(draw(st.lists(st.sampled_from(names[:place]), unique=True))) if place else set()
        for place, name in enumerate(names)
    }


@st.composite
def chosen(draw: st.DrawFn) -> tuple[Graph, list[str]]:
    graph = draw(graphs())
    return graph, draw(st.lists(st.sampled_from(list(graph)), min_size=1, unique=True))


def reaches(graph: Graph, start: str, end: str) -> bool:
    """Say whether `end` waits for `start`, directly or not: the plain way, by recursion."""
    return start == end or any(reaches(graph, start, each) for each in graph[end])


@given(chosen())
def test_from_is_the_step_and_what_depends_on_it(case: tuple[Graph, list[str]]) -> None:
    graph, names = case
    wanted = {each for each in graph if any(reaches(graph, name, each) for name in names)}
    assert Selection.of(from_step=names).steps(graph) == wanted


@given(chosen())
def test_to_is_the_step_and_what_it_depends_on(case: tuple[Graph, list[str]]) -> None:
    graph, names = case
    wanted = {each for each in graph if any(reaches(graph, each, name) for name in names)}
    assert Selection.of(to_step=names).steps(graph) == wanted


@given(chosen(), st.data())
def test_from_and_to_are_what_is_in_both(case: tuple[Graph, list[str]], data: st.DataObject) -> None:
    graph, names = case
    others = data.draw(st.lists(st.sampled_from(list(graph)), min_size=1))
    wanted = Selection.of(from_step=names).steps(graph) & Selection.of(to_step=others).steps(graph)
    both = Selection.of(from_step=names, to_step=others)
    if wanted:
        assert both.steps(graph) == wanted
    else:
        with pytest.raises(UsageError, match="no step is left"):
            both.steps(graph)


@given(chosen())
def test_only_is_exactly_these_and_skip_is_the_others(case: tuple[Graph, list[str]]) -> None:
    graph, names = case
    assert Selection.of(only=names).steps(graph) == {*names}
    if rest := {*graph} - {*names}:
        assert Selection.of(skip=names).steps(graph) == rest


@given(graphs())
def test_nothing_chosen_is_every_step(graph: Graph) -> None:
    assert Selection().steps(graph) == {*graph}
    assert not Selection().partial


@given(chosen(), st.sampled_from(["from_step", "to_step", "only", "skip"]))
def test_what_is_noted_is_read_back(case: tuple[Graph, list[str]], kind: str) -> None:
    made = Selection.of(**{kind: case[1]}, base="run")
    assert Selection.from_noted(made.noted()) == made
    assert Selection().noted() == {}


def test_a_selection_is_shown_as_it_is_typed() -> None:
    assert str(Selection.of(from_step="a", skip=["b", "c"])) == "--from a --skip b --skip c"


def test_a_name_that_is_no_step_is_told_with_what_is_near() -> None:
    with pytest.raises(NotFoundError) as found:
        Selection.of(only="lod").steps({"load": set()})
    assert found.value.hint == "did you mean 'load'?"


def test_only_excludes_from_and_to() -> None:
    with pytest.raises(UsageError, match="goes with neither"):
        Selection.of(only="a", to_step="b")


def test_a_base_needs_a_selection() -> None:
    with pytest.raises(UsageError, match="every step is to run"):
        Selection.of(base="run")


def test_what_running_steps_read_from_others_is_named_with_its_readers() -> None:
    plan = chain("load", "double", "total")
    assert graph_of(plan) == {"load": set(), "double": {"load"}, "total": {"double"}}
    assert read_from(plan, ["load", "total"]) == {"double": {"total"}}
    assert read_from(plan, ["load", "double"]) == {}

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.builtin.page.chart import HEIGHT, WIDTH, draw_chart, series_of, thin

numbers = st.floats(-1e9, 1e9)


@given(st.lists(numbers, min_size=2, max_size=30))
def test_every_point_lies_within_the_picture(values: list[float]) -> None:
    drawn = draw_chart("loss", {"train": list(enumerate(values))}, {"train": 0})
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", re.findall(r'points="([^"]*)"', drawn)[0]):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


def test_a_long_series_keeps_its_extremes_and_ends() -> None:
    points = [(float(place), 100.0 if place == 7_777 else float(place % 3)) for place in range(20_000)]
    kept = thin(points)
    assert len(kept) <= 402
    assert {points[0], points[-1], points[7_777]} <= set(kept)


def test_a_step_has_one_colour_in_all_charts() -> None:
    colours = {"a": 0, "b": 1}
    drawn = draw_chart("loss", {"b": [(0.0, 1.0), (1.0, 2.0)]}, colours)
    assert 'class="line c1"' in drawn
    assert '<i class="c1">' in drawn


def test_more_lines_than_one_can_tell_apart_are_counted() -> None:
    series = {f"s{number}": [(0.0, 1.0), (1.0, 2.0)] for number in range(11)}
    drawn = draw_chart("loss", series, {name: place for place, name in enumerate(series)})
    assert drawn.count("<polyline") == 8
    assert "and 3 more" in drawn


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 1e300])
def test_a_series_that_never_changes_can_be_drawn(value: float) -> None:
    assert "<polyline" in draw_chart("flat", {"a": [(0.0, value), (1.0, value)]}, {"a": 0})


def test_values_stand_where_the_caller_counted_them() -> None:
    assert series_of(((10, 1.0), (20, 2.0))) == [(10.0, 1.0), (20.0, 2.0)]
    assert series_of(((None, 1.0), (None, 2.0))) == [(0.0, 1.0), (1.0, 2.0)]
    assert series_of(((5, 1.0), (3, float("nan")), (2, 2.0))) == [(2.0, 2.0), (5.0, 1.0)]

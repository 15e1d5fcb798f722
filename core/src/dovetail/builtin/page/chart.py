"""Line charts of metrics as inline SVG."""

from __future__ import annotations

import math
from itertools import pairwise

from dovetail.builtin.page.markup import number, shortened, text

Points = list[tuple[float, float]]

WIDTH, HEIGHT = 400, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 28
# A chart has so many pixels; of longer series the extremes of each of so many stretches are drawn.
_STRETCHES = 200
_COLOURS = 8
# As many lines as one can tell apart.
_MOST = 8
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def draw_chart(title: str, series: dict[str, Points], colours: dict[str, int]) -> str:
    """Return the chart of one metric, a line for each step that logged it.

    `colours` numbers the steps of the page, so that a step has one colour in all charts.
    """
    drawn = {name: thin(points) for name, points in list(series.items())[:_MOST]}
    everything = [point for points in drawn.values() for point in points]
    xs, ys = ([point[axis] for point in everything] for axis in (0, 1))
    across, up = _scale(min(xs), max(xs)), _scale(min(ys), max(ys))
    lines = "".join(
        f'<polyline class="line c{colours[name] % _COLOURS}" points="{_path(points, across, up)}">'
        f"<title>{text(name)}</title></polyline>"
        for name, points in drawn.items()
    )
    return (
        f'<figure><figcaption>{text(title)}</figcaption>\n<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{text(title)}">{_grid(across, up)}{lines}</svg>\n{_legend(series, colours)}</figure>'
    )


def _legend(series: dict[str, Points], colours: dict[str, int]) -> str:
    entries = [
        f'<span><i class="c{colours[name] % _COLOURS}"></i>{text(shortened(name, 40))} '
        f"<b>{number(points[-1][1])}</b></span>"
        for name, points in list(series.items())[:_MOST]
    ]
    if len(series) > _MOST:
        entries.append(f"<span>and {len(series) - _MOST} more in the table</span>")
    return f'<div class="legend">{"".join(entries)}</div>'


def thin(points: Points) -> Points:
    """Return few enough points for the picture: the lowest and highest of each stretch, first and last."""
    if len(points) <= 2 * _STRETCHES:
        return points
    kept = {0, len(points) - 1}
    for stretch in range(_STRETCHES):
        start, end = (len(points) * each // _STRETCHES for each in (stretch, stretch + 1))
        kept.add(min(range(start, end), key=lambda place: points[place][1]))
        kept.add(max(range(start, end), key=lambda place: points[place][1]))
    return [points[place] for place in sorted(kept)]


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Return lowest mark, highest mark and the distance of marks, all round numbers around the values."""
    if low == high:
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _marks(scale: tuple[float, float, float]) -> list[float]:
    low, high, step = scale
    return [round(low + place * step, 12) for place in range(round((high - low) / step) + 1)]


def _x(value: float, scale: tuple[float, float, float]) -> float:
    return _LEFT + (value - scale[0]) / (scale[1] - scale[0]) * (WIDTH - _LEFT - _RIGHT)


def _y(value: float, scale: tuple[float, float, float]) -> float:
    return HEIGHT - _BOTTOM - (value - scale[0]) / (scale[1] - scale[0]) * (HEIGHT - _TOP - _BOTTOM)


def _path(points: Points, across: tuple[float, float, float], up: tuple[float, float, float]) -> str:
    return " ".join(f"{_x(x, across):.1f},{_y(y, up):.1f}" for x, y in points)


def _grid(across: tuple[float, float, float], up: tuple[float, float, float]) -> str:
    parts = []
    for mark in _marks(up):
        y = round(_y(mark, up), 1)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:g}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="tick n" x="{_LEFT - 7}" y="{y + 4:g}">{number(mark)}</text>')
    for mark in _marks(across):
        x = round(_x(mark, across), 1)
        parts.append(f'<text class="tick m" x="{x:g}" y="{HEIGHT - _BOTTOM + 17}">{number(mark)}</text>')
    return "".join(parts)


def series_of(values: tuple[tuple[int | None, float], ...]) -> Points:
    """Return what can be drawn of a metric's values: finite ones, at the caller's counter or in order."""
    points = [
        (float(place if index is None else index), float(value))
        for place, (index, value) in enumerate(values)
        if math.isfinite(value)
    ]
    forward = all(one[0] <= two[0] for one, two in pairwise(points))
    return points if forward else sorted(points, key=lambda point: point[0])

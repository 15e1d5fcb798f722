"""The graph of a run's steps as inline SVG."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dovetail.builtin.page.layered import Edge, Layout, arrange
from dovetail.builtin.page.markup import seconds, shortened, text
from dovetail.builtin.page.snapshot import StepSnapshot

SYMBOLS = {
    "completed": "✓",
    "cached": "↺",
    "failed": "✕",
    "running": "▸",
    "cancelled": "■",
    "interrupted": "!",
    "skipped": "»",
    "pending": "·",
}
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0.8 7 4 0 7.2z"/></marker></defs>'
)
# What is larger than its place on the page scrolls, or is made to fit by the style sheet.
_FIT = '<label class="fit"><input type="checkbox"> the whole graph at once</label>'
_PAGE_WIDTH, _PAGE_HEIGHT = 1140, 700
# From so many steps on boxes are small and hold one line.
_MANY = 40
_MARGIN = 8


@dataclass(frozen=True, slots=True)
class _Box:
    """Sizes in pixels: of a box, from one to the next, and how many letters fit."""

    width: int
    height: int
    gap: int
    pitch: int
    letters: int


_ROOMY = _Box(176, 46, 58, 64, 21)
_SMALL = _Box(138, 26, 44, 34, 17)


def draw_graph(steps: tuple[StepSnapshot, ...]) -> str:
    """Return the graph; each box leads to the step's row, each edge says what flows along it."""
    flows = _flows(steps)
    layout = arrange([step.name for step in steps], flows)
    box = _SMALL if len(steps) > _MANY else _ROOMY
    width = layout.columns * (box.width + box.gap) - box.gap + 2 * _MARGIN
    height = round((layout.rows - 1) * box.pitch) + box.height + 2 * _MARGIN
    parts = [_edge(layout, edge, labels, box) for edge, labels in flows.items() if edge in layout.bends]
    parts += [_node(step, number, layout.places[step.name], box) for number, step in enumerate(steps)]
    fit = _FIT if width > _PAGE_WIDTH or height > _PAGE_HEIGHT else ""
    return (
        f'{fit}<div class="scroll graph"><svg width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="graph of the steps">\n{_ARROW}\n'
        + "\n".join(parts)
        + "\n</svg></div>"
    )


def _flows(steps: tuple[StepSnapshot, ...]) -> dict[Edge, list[str]]:
    """Return the edges with what flows along each; steps that only wait for another have no label."""
    flows: dict[Edge, list[str]] = {}
    for step in steps:
        for source, output, name in step.inputs:
            flows.setdefault((source, step.name), []).append(f"{source}.{output} → {step.name}.{name}")
        for source in step.after:
            flows.setdefault((source, step.name), [])
    return flows


def _corner(place: tuple[int, float], box: _Box) -> tuple[float, float]:
    column, row = place
    return _MARGIN + column * (box.width + box.gap), round(_MARGIN + row * box.pitch, 1)


def _edge(layout: Layout, edge: Edge, labels: list[str], box: _Box) -> str:
    source, target = (_corner(layout.places[name], box) for name in edge)
    middle = box.height / 2
    points = [(source[0] + box.width, source[1] + middle)]
    for place in layout.bends[edge]:
        x, y = _corner(place, box)
        points += [(x, y + middle), (x + box.width, y + middle)]
    points.append((target[0] - 1, target[1] + middle))
    path = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        half = (x0 + x1) / 2
        path.append(f"L{x1:g} {y1:g}" if y0 == y1 else f"C{half:g} {y0:g} {half:g} {y1:g} {x1:g} {y1:g}")
    kind = "edge" if labels else "edge wait"
    says = text("\n".join(labels) or f"{edge[1]} waits for {edge[0]}")
    return f'<path class="{kind}" d="{"".join(path)}" marker-end="url(#arrow)"><title>{says}</title></path>'


def _node(step: StepSnapshot, number: int, place: tuple[int, float], box: _Box) -> str:
    x, y = _corner(place, box)
    says = text(f"{step.name}: {step.status}, {seconds(step.duration)}")
    name = text(shortened(step.name, box.letters))
    symbol = SYMBOLS.get(step.status, "?")
    lines = f'<text class="name" x="{x + 30:g}" y="{y + (20 if box is _ROOMY else 17):g}">{name}</text>'
    if box is _ROOMY:
        below = step.status if step.duration is None or step.status == "cached" else seconds(step.duration)
        lines += f'<text class="sub" x="{x + 30:g}" y="{y + 36:g}">{text(below)}</text>'
    return (
        f'<a href="#s{number}"><g class="node {text(step.status)}"><title>{says}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<text class="symbol" x="{x + 16:g}" y="{y + box.height / 2 + 5:g}">{symbol}</text>{lines}</g></a>'
    )

"""Faults of visualizers."""

from __future__ import annotations

import html
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.html_visualizer import HtmlVisualizer, HtmlVisualizerConfig
from dovetail.components.visualizer import Picture, Visualizer
from dovetail.errors import UsageError
from dovetail.names import new_id
from dovetail.testing.faults import Faults
from dovetail.testing.visualizer import VisualizerContract


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on visualizers of this class."""

    class Html(VisualizerContract):
        @pytest.fixture
        def visualizer(self, tmp_path: Path) -> Visualizer:
            return faulty("mine", HtmlVisualizerConfig(), home=tmp_path)

    return Html


FAULTS = Faults(kit, VisualizerContract)
CORRECT = SimpleNamespace(html=kit(HtmlVisualizer))


class _Changed(HtmlVisualizer):
    """Draws as it should, and then changes the page."""

    def draw(self, subject: Any, value: Any = None) -> Picture:
        picture = super().draw(subject, value)
        text = self.changed(picture.data.decode(), subject, value)
        return Picture(picture.media_type, text.encode())

    def changed(self, page: str, subject: Any, value: Any) -> str:
        raise NotImplementedError


@FAULTS.plant(1, modelled_on="https://github.com/plotly/plotly.py/pull/3487")
class NamesItsParts(_Changed):
    """A part of the page has another name each time."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return page.replace("<body", f'<body id="{new_id()}"', 1)


@FAULTS.plant(2, dependents={3}, modelled_on="https://github.com/apache/superset/pull/40639")
class ShowsTextAsItIs(_Changed):
    """Texts of people stand in the page unescaped."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return html.unescape(page)


@FAULTS.plant(2, modelled_on="https://github.com/sreerevanth/repopilot/issues/347")
class ShowsValuesAsTheyAre(_Changed):
    """The value of an artifact stands in the page unescaped."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return page if value is None else page.replace("</body>", f"<p>{next(iter(value))}</p></body>")


@FAULTS.plant(2)
class LetsEscapesThrough(_Changed):
    """A terminal obeys what stands in the page."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return page.replace("</body>", "\x1b[31m</body>")


@FAULTS.plant(3, dependents={2}, modelled_on="https://github.com/ninoseki/arakawa/issues/59")
class LoadsAScript(_Changed):
    """A script comes from another place."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return page.replace("</body>", '<script src="https://cdn.example/plot.js"></script></body>')


@FAULTS.plant(3, modelled_on="https://github.com/MCP-Audit/MCTS/issues/88")
class LoadsAFont(_Changed):
    """A font comes from another place."""

    def changed(self, page: str, subject: Any, value: Any) -> str:
        return page.replace("<style>", "<style>@import 'https://fonts.example/inter.css';", 1)


@FAULTS.plant(4)
class DrawsAnything(HtmlVisualizer):
    """What cannot be drawn gives an empty page."""

    def draw(self, subject: Any, value: Any = None) -> Picture:
        try:
            return super().draw(subject, value)
        except UsageError:
            return Picture("text/html; charset=utf-8", b"<p></p>")


@FAULTS.plant(5)
class LeavesOutValues(HtmlVisualizer):
    """The page of an artifact is the same for every value."""

    def draw(self, subject: Any, value: Any = None) -> Picture:
        return super().draw(subject)

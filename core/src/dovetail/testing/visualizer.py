"""The contract of visualizers as tests; their numbers are those of docs/contracts/visualizer.md.

::

    class TestMine(VisualizerContract):
        @pytest.fixture
        def visualizer(self, tmp_path):
            return MyVisualizer("mine", MyConfig(...), home=tmp_path)
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dovetail.client import Client, RunView
from dovetail.components.visualizer import Visualizer
from dovetail.errors import UsageError
from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.stacks.stack import LiveStack
from dovetail.testing.not_given import not_given
from dovetail.testing.recorded_run import RecordedRun

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style><iframe src='//evil.example'></iframe>",
    "&lt;b&gt;",
    "\x1b[31mred\x1b[0m",
    "{{ 7 * 7 }}",
)
_ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form", "img", "video", "audio", "source"}
_ELSEWHERE = re.compile(r"(?:https?:)?//|url\(|@import", re.IGNORECASE)
# Of lower case, as the register has them.
_MEDIA_TYPE = r"(text|image|application)/[a-z0-9.+-]+(; *[a-z-]+=[\w-]+)*"
_NAMES_OF_FORMATS = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}


class VisualizerContract:
    """What every visualizer does. Give the fixture `visualizer`; everything else is here."""

    @pytest.fixture
    def visualizer(self) -> Visualizer:
        """Return a visualizer."""
        raise not_given("visualizer")

    @pytest.fixture
    def stack(self, tmp_path: Path) -> Iterator[LiveStack]:
        """Return a stack with stores of its own, on which a run is recorded."""
        with assemble(active_stack_record(), home=tmp_path / "stores") as stack:
            yield stack

    @pytest.fixture
    def run(self, stack: LiveStack) -> RunView:
        """Return a run whose texts, wherever people and plugins can put some, are hostile."""
        recorded = RecordedRun(stack, name="hostile", commit=HOSTILE[0], host=HOSTILE[1])
        metrics = {text: [0.5, float("nan"), 0.25] for text in HOSTILE}
        recorded.complete("load", list(HOSTILE), metrics=metrics)
        recorded.complete("train", {text: text for text in HOSTILE})
        recorded.fail("check")
        recorded.end(error=" ".join(HOSTILE), versions=dict.fromkeys(HOSTILE, HOSTILE[0]))
        return Client(stack).run("hostile")

    def test_1_the_same_run_gives_the_same_bytes(self, visualizer: Visualizer, run: RunView) -> None:
        assert visualizer.draw(run) == visualizer.draw(run.refresh())

    def test_1_the_same_artifact_gives_the_same_bytes(self, visualizer: Visualizer, run: RunView) -> None:
        artifact = run.step("load").output
        assert visualizer.draw(artifact) == visualizer.draw(run.refresh().step("load").output)

    def test_2_hostile_texts_of_a_run_are_escaped(self, visualizer: Visualizer, run: RunView) -> None:
        assert_harmless(visualizer.draw(run).data)

    def test_2_hostile_texts_of_an_artifact_and_its_value_are_escaped(
        self, visualizer: Visualizer, run: RunView
    ) -> None:
        artifact = run.step("train").output
        assert_harmless(visualizer.draw(artifact).data)
        assert_harmless(visualizer.draw(artifact, artifact.load()).data)

    def test_3_nothing_is_fetched_from_elsewhere(self, visualizer: Visualizer, run: RunView) -> None:
        picture = visualizer.draw(run)
        if picture.media_type.startswith(("text/html", "image/svg")):
            found = Markup(picture.data.decode())
            assert not found.fetched

    def test_4_what_cannot_be_drawn_is_refused(self, visualizer: Visualizer) -> None:
        with pytest.raises(UsageError, match="object"):
            visualizer.draw(object())

    def test_5_every_subject_has_a_picture_of_its_own(self, visualizer: Visualizer, run: RunView) -> None:
        load, train = run.step("load").output, run.step("train").output
        pictures = [visualizer.draw(each) for each in (run, load, train)]
        pictures += [visualizer.draw(train, value) for value in ("one", "another")]
        assert len({picture.data for picture in pictures}) == len(pictures)
        assert [each.media_type for each in pictures if not re.fullmatch(_MEDIA_TYPE, each.media_type)] == []

    def test_5_names_of_run_and_steps_can_be_read(self, visualizer: Visualizer, run: RunView) -> None:
        for subject, name in ((run, "train"), (run.step("train").output, "train"), (run, "hostile")):
            picture = visualizer.draw(subject)
            if picture.media_type.startswith(("text/", "image/svg")):
                assert name in picture.data.decode()


class Markup(HTMLParser):
    """What a browser would make of a page: the elements that act, and what they fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.active: list[str] = []
        self.fetched: list[str] = []
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note elements and attributes that do something."""
        self._style = tag == "style"
        self.active += [tag] if tag in _ACTIVE else []
        for name, value in attrs:
            text = value or ""
            if name.startswith("on") or text.strip().lower().startswith("javascript:"):
                self.active.append(name)
            if name in {"src", "srcset", "style"} and _ELSEWHERE.search(text):
                self.fetched.append(text)
            if name.startswith("xmlns") and text not in _NAMES_OF_FORMATS:
                self.fetched.append(text)

    def handle_data(self, data: str) -> None:
        """Note what a style sheet fetches."""
        if self._style and _ELSEWHERE.search(data):
            self.fetched.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self._style = self._style and tag != "style"


def assert_harmless(data: bytes) -> None:
    """Assert that none of the hostile texts has become markup, script or an escape sequence."""
    assert b"\x1b" not in data
    for text in HOSTILE[:3]:
        assert text.encode() not in data
    found = Markup(data.decode("utf-8", "replace"))
    assert not found.active

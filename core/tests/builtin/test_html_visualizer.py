from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.builtin.html_visualizer import HtmlVisualizer, HtmlVisualizerConfig
from dovetail.builtin.page.snapshot import ArtifactSnapshot, RunSnapshot, StepSnapshot
from dovetail.components.visualizer import Visualizer
from dovetail.errors import UsageError
from dovetail.testing.visualizer import VisualizerContract

VISUALIZER = HtmlVisualizer("html", HtmlVisualizerConfig(), home=Path("nowhere"))
START = datetime(2026, 11, 21, 8, 20, 54, tzinfo=UTC)


def artifact(step: str = "train", name: str = "model", **changes: object) -> ArtifactSnapshot:
    plain = ArtifactSnapshot(name, step, "builtins.dict", 1200, "blake3:0123456789abcdef", "builtin/json")
    return replace(plain, **changes)


def run(*steps: StepSnapshot, **changes: object) -> RunSnapshot:
    plain = RunSnapshot("01jd3k", "digits-7", "digits", "completed", START, 4.0, "dev", steps=steps)
    return replace(plain, **changes)


def page(subject: object, value: object = None) -> str:
    picture = VISUALIZER.draw(subject, value)
    assert picture.media_type == "text/html; charset=utf-8"
    return picture.data.decode()


class Reader(HTMLParser):
    """What a browser would find: tags with attributes, and the text a person reads."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data


TRAIN = StepSnapshot(
    "train",
    "completed",
    offset=1.0,
    duration=2.5,
    attempts=2,
    inputs=(("load", "images", "images"),),
    parameters={"config": {"trees": 200}},
    metrics={"loss": ((0, 2.0), (1, 1.0), (2, 0.5)), "accuracy": ((None, 0.975),)},
    artifacts=(artifact(summary={"rows": 3}),),
)
LOAD = StepSnapshot("load", "cached", offset=0.0, duration=0.001)


def test_a_page_tells_what_the_run_was() -> None:
    drawn = run(
        LOAD,
        TRAIN,
        stack={"artifact_store": ("default", "dovetail/local")},
        commit="4f2a9be01122334455",
        dirty=True,
        versions={"numpy": "2.4"},
    )
    words = Reader(page(drawn)).words
    told = ["digits-7", "completed", "4 s", "2026-11-21 08:20:54 UTC", "4f2a9be011", "with changes", "0.975"]
    told += ["load", "cached", "train", "2.5 s", "loss", '{"trees": 200}', "rows 3", "1.2 kB", "0123456789ab"]
    told += ["artifact store", "dovetail/local", "numpy", "2.4"]
    assert [each for each in told if each not in words] == []


def test_the_graph_says_what_flows_along_an_edge() -> None:
    assert "load.images → train.images" in Reader(page(run(LOAD, TRAIN))).words


def test_a_box_of_the_graph_leads_to_the_row_of_its_step() -> None:
    tags = Reader(page(run(LOAD, TRAIN))).tags
    wanted = {attributes["href"] for tag, attributes in tags if tag == "a"}
    there = {f"#{attributes['id']}" for _, attributes in tags if "id" in attributes}
    assert wanted == {"#s0", "#s1"}
    assert wanted <= there


def test_a_metric_with_several_values_is_a_line_and_a_single_one_a_number() -> None:
    tags = Reader(page(run(LOAD, TRAIN))).tags
    assert [attributes["class"] for tag, attributes in tags if tag == "polyline"] == ["line c0"]


def test_values_that_are_no_numbers_do_not_break_a_chart() -> None:
    odd = ((0, float("nan")), (1, float("inf")), (2, 1.0), (3, 2.0))
    drawn = page(run(replace(TRAIN, metrics={"loss": odd, "none": ((0, float("nan")),)})))
    (points,) = re.findall(r'points="([^"]*)"', drawn)
    assert len(points.split()) == 2
    assert "nan" not in points


def test_errors_stand_on_top() -> None:
    broken = replace(TRAIN, status="failed", error="ValueError: no rows\nand more")
    words = Reader(page(run(LOAD, broken, status="failed", error="step 'train' failed"))).words
    assert words.index("step 'train' failed") < words.index("ValueError: no rows") < words.index("Graph")


@pytest.mark.parametrize(
    "status", ["pending", "running", "skipped", "cancelled", "interrupted", "unheard-of"]
)
def test_any_state_can_be_drawn(status: str) -> None:
    drawn = run(StepSnapshot("a", status), status=status, duration=None)
    assert status in Reader(page(drawn)).words


def test_a_run_without_steps_can_be_drawn() -> None:
    assert "digits-7" in Reader(page(run())).words


hostile = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=//evil.example/x onerror=alert(1)>',
            "' onmouseover='alert(1)",
            "</style><style>@import url(//evil.example)</style>",
            "</title></svg><iframe src=javascript:alert(1)>",
            "]]>&lt;b&gt;\x00\x1b[31m\u202egnp\ud800",
        ]
    ),
)


@given(evil=hostile, other=hostile)
def test_no_text_becomes_markup(evil: str, other: str) -> None:
    step = StepSnapshot(
        evil,
        other,
        offset=0.0,
        duration=1.0,
        inputs=((other, evil, evil), ("ok", evil, other)),
        after=(evil, other),
        parameters={evil: other, other: [evil, {evil: other}]},
        metrics={evil: ((0, 1.0), (1, 2.0))},
        artifacts=(artifact(evil, other, type=evil, digest=other, materializer=evil, summary={evil: other}),),
        error=evil,
    )
    fields = {
        "id": evil,
        "name": other,
        "pipeline": evil,
        "status": other,
        "stack_name": evil,
        "error": other,
    }
    drawn = run(StepSnapshot("ok", "completed"), step, commit=evil, versions={evil: other}, **fields)
    tags = Reader(page(replace(drawn, stack={evil: (other, evil)}))).tags
    assert {tag for tag, _ in tags} <= set(KNOWN.split())
    names = {name for _, attributes in tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in {"src", "srcdoc", "action"}]
    assert all(attributes["href"].startswith("#s") for _, attributes in tags if "href" in attributes)


KNOWN = "a b body circle code dd defs div dl dt figcaption figure footer g h1 h2 head header html i input "
KNOWN += (
    "label main marker meta p path polyline pre rect section small span strong style svg table tbody td text "
)
KNOWN += "th thead title tr"


def test_a_page_asks_nothing_of_anybody() -> None:
    drawn = page(run(LOAD, TRAIN))
    assert "default-src 'none'" in drawn
    assert (
        re.findall(r"https?:|//\w|url\(|@import|<script|<link|<img|data:", drawn.replace("url(#arrow)", ""))
        == []
    )


def test_invisible_characters_are_shown() -> None:
    words = Reader(page(run(name="a\x1b[31m\u202eb"))).words
    assert "a\\x1b[31m\\u202eb" in words


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from test_html_visualizer import LOAD, TRAIN, VISUALIZER, run
sys.stdout.buffer.write(VISUALIZER.draw(run(LOAD, TRAIN, versions={{"b": "1", "a": "2"}})).data)
"""


def test_two_processes_draw_equal_bytes() -> None:
    program = PROGRAM.format(tests=str(Path(__file__).parent))
    drawn = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert drawn[0] == drawn[1]


def test_five_hundred_steps_fit_into_a_page() -> None:
    chain = [StepSnapshot("step_0", "completed")]
    for number in range(1, 500):
        inputs = tuple((f"step_{each}", "output", "x") for each in {number - 1, number // 2})
        chain.append(StepSnapshot(f"step_{number}", "completed", number, 1.0, inputs=inputs))
    drawn = page(run(*chain))
    assert len(drawn) < 3_000_000
    assert drawn.count('<g class="node') == 500
    assert "the whole graph at once" in drawn


def test_a_view_of_the_client_is_known_by_its_attributes() -> None:
    stored = SimpleNamespace(
        name="model",
        step="train",
        type="x.Model",
        size=7,
        digest="blake3:00",
        id="01a",
        summary={},
        metadata={"note": "fine"},
        record=SimpleNamespace(materializer=SimpleNamespace(name="wheel/model")),
    )
    words = Reader(page(stored, "the value")).words
    assert [
        each for each in ("x.Model", "7 B", "wheel/model", "fine", "the value") if each not in words
    ] == []


class Frame:
    columns = ("a", "<b>")

    def __len__(self) -> int:
        return 3

    def itertuples(self, name: None) -> list[tuple[object, ...]]:
        return [(0, 1.5, "<i>"), (1, 2.5, "y")]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("<text>", "<text>"),
        ({"a": [1, 2]}, '"a": ['),
        ([object], "<class 'object'>"),
        (b"\x00", "b'\\x00'"),
        (Frame(), "3 rows, 2 columns"),
        (0, "0"),
    ],
)
def test_the_page_of_an_artifact_shows_its_value(value: object, told: str) -> None:
    assert told in Reader(page(artifact(), value)).words


def test_what_is_neither_run_nor_artifact_is_refused() -> None:
    with pytest.raises(UsageError, match=r"builtins\.int cannot be drawn"):
        VISUALIZER.draw(3)


class TestHtmlVisualizer(VisualizerContract):
    @pytest.fixture
    def visualizer(self, tmp_path: Path) -> Visualizer:
        return HtmlVisualizer("mine", HtmlVisualizerConfig(), home=tmp_path)

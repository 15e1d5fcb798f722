"""Where parts of code are found again: file and line, and whether it is still what was recorded."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dovetail.planning.code_places import CodePlace, CodePlaces
from dovetail.planning.source_file import source_file
from dovetail.records.plan import SourceRef

TEXT = dedent("""
    import math
    from .near import aid as other
    RATE = 2

    @staticmethod
    def helper():
        return RATE

    class Outer:
        def method(self):
            return 1

    def make(held):
        def between():
            return 1
        def train():
            return held
        return train
""").lstrip()


@pytest.fixture
def places(tmp_path: Path) -> CodePlaces:
    """Places below a root whose modules lie in `src`."""
    folder = tmp_path / "src" / "pack"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("TOP = 1\n")
    (folder / "steps.py").write_text(TEXT)
    (folder / "near.py").write_text("\ndef aid(): return 1\n")
    (folder / "broken.py").write_text("def (:\n")
    (tmp_path / "beside.py").write_text("\n\nWIDTH = 1\n")
    ref = SourceRef(module="pack.steps", qualname="train", path="src/pack/steps.py")
    return CodePlaces(tmp_path, [ref, SourceRef(module="__main__", qualname="cell")])


@pytest.mark.parametrize(
    ("part", "file", "line"),
    [
        ("pack.steps:RATE", "src/pack/steps.py", 3),
        ("pack.steps:helper", "src/pack/steps.py", 6),
        ("pack.steps:other", "src/pack/steps.py", 2),
        ("pack.steps:make.<locals>.train(held)", "src/pack/steps.py", 16),
        ("pack.steps:make.<locals>.train(defaults)", "src/pack/steps.py", 16),
        ("pack.steps:Outer.method@0(function)", "src/pack/steps.py", 10),
        ("pack.steps", "src/pack/steps.py", None),
        ("pack.steps:gone", "src/pack/steps.py", None),
        ("pack.near:aid", "src/pack/near.py", 2),
        ("pack:TOP", "src/pack/__init__.py", 1),
        ("pack.broken", "src/pack/broken.py", None),
        ("beside:WIDTH", "beside.py", 3),
    ],
)
def test_a_part_is_found_in_its_file(places: CodePlaces, part: str, file: str, line: int | None) -> None:
    found = places.find(part, "")
    assert found is not None
    assert (found.file, found.line) == (file, line)


@pytest.mark.parametrize(
    "part", ["elsewhere:name", "__main__:name", "math:floor", "", "pack.steps.deeper:name"]
)
def test_a_part_without_a_file_below_the_root_is_nowhere(places: CodePlaces, part: str) -> None:
    assert places.find(part, "") is None


def test_code_holds_until_a_part_of_it_is_another_or_gone(places: CodePlaces, tmp_path: Path) -> None:
    near = tmp_path / "src" / "pack" / "near.py"
    now = source_file(near, "pack.near", package=False).part("aid").digest
    ref = SourceRef(module="pack.near", qualname="aid", path="src/pack/near.py", parts={"pack.near:aid": now})
    assert places.hold(ref)
    near.write_text("# a comment\ndef aid():\n    return 1\n")
    assert places.hold(ref)
    near.write_text("def aid(): return 2\n# more than before\n")
    assert not places.hold(ref)
    near.unlink()
    assert not places.hold(ref)


def test_code_is_known_again_by_its_digest(places: CodePlaces, tmp_path: Path) -> None:
    source = source_file(tmp_path / "src/pack/steps.py", "pack.steps", package=False)
    digest = source.part("RATE").digest
    assert places.find("pack.steps:RATE", digest) == CodePlace("src/pack/steps.py", 3, recorded=True)
    assert places.find("pack.steps", source.whole().digest) == CodePlace(
        "src/pack/steps.py", None, recorded=True
    )
    assert places.find("pack.steps:RATE", "blake3:0") == CodePlace("src/pack/steps.py", 3, recorded=False)


def test_nothing_is_said_of_what_only_memory_held(places: CodePlaces) -> None:
    found = places.find("pack.steps:make.<locals>.train(held)", "blake3:0")
    assert found is not None
    assert found.recorded is None


def test_a_step_file_that_is_gone_is_named_without_a_line(places: CodePlaces, tmp_path: Path) -> None:
    (tmp_path / "src/pack/steps.py").unlink()
    assert places.find("pack.steps:RATE", "") == CodePlace("src/pack/steps.py", None, recorded=None)

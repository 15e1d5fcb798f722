from __future__ import annotations

import json
from pathlib import Path

import pytest

from dovetail.cli.render import (
    clean,
    help_width,
    print_fields,
    print_json,
    print_table,
    shorten,
    table,
    width,
)


def test_columns_are_aligned_by_how_wide_they_look() -> None:
    rows = [["雪", "a"], ["e\u0301", "b"], ["xyz", "c"]]
    assert table(["x", "y"], rows).splitlines() == ["X    Y", "雪   a", "e\u0301    b", "xyz  c"]


def test_no_line_ends_in_spaces() -> None:
    assert table(["a", "b"], [["x", ""], ["", ""]]) == "A  B\nx\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\nb", "a\\nb"), ("", "-"), (None, "-"), (True, "yes"), (0, "0"),
     ("\u202etxt", "\\u202etxt"), ("雪", "雪")],
)  # fmt: skip
def test_no_text_steers_a_terminal(value: object, shown: str) -> None:
    assert clean(value) == shown


def test_a_table_fits_the_terminal_by_its_last_column() -> None:
    lines = table(["name", "about"], [["a", "x" * 50]], limit=20).splitlines()
    assert lines == ["NAME  ABOUT", "a     xxxxxxxxxxx..."]
    assert width(shorten("雪" * 20, 10)) <= 10


def test_an_empty_table_says_so_to_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["a"], [], empty="no runs")
    assert tuple(capsys.readouterr()) == ("", "no runs\n")


def test_fields_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"a": 1, "long": {"b": [1, 2], "c": {}}, "none": None})
    assert capsys.readouterr().out == "a:    1\nlong:\n  b:\n    - 1\n    - 2\n  c: -\nnone: -\n"


def test_json_is_one_document_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": Path("x"), "b": ["雪", "\x1b"]})
    assert json.loads(capsys.readouterr().out) == {"a": "x", "b": ["雪", "\x1b"]}


@pytest.mark.parametrize(("columns", "wide"), [("200", 98), ("70", 68), ("10", 50), ("", 78), ("x", 78)])
def test_help_is_as_wide_as_one_likes_to_read(
    monkeypatch: pytest.MonkeyPatch, columns: str, wide: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert help_width() == wide

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dovetail.errors import ConfigurationError, NotFoundError
from dovetail.yamlio import read_yaml, read_yaml_file, resolve, write_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.integers(), inner), max_leaves=20
)


@given(DOCUMENTS)
def test_what_is_written_reads_back_equal(document: object) -> None:
    assert read_yaml(write_yaml(document), "x") == document


@given(DOCUMENTS)
def test_both_implementations_write_what_reads_back_equal(document: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dovetail.yamlio._LOADER", yaml.SafeLoader)
        patch.setattr("dovetail.yamlio._DUMPER", yaml.SafeDumper)
        assert read_yaml(write_yaml(document), "x") == document


@given(st.dictionaries(st.text("ynoefatrsulg:-.0123456789", max_size=6), TEXTS))
def test_texts_stay_texts_for_a_reader_of_the_older_yaml(document: dict[str, str]) -> None:
    assert yaml.safe_load(write_yaml(document)) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("12:30", "12:30"), ("2024-01-01", "2024-01-01"), ("1_000", "1_000"),
     ("1e-3", 0.001), ("1.", 1.0), (".5", 0.5), ("+12", 12), ("0x1F", 31), ("0o17", 15), ("012", 12),
     ("-.inf", -math.inf), ("~", None), ("Null", None), ("TRUE", True), ("-", "-"), ("1e", "1e")],
)  # fmt: skip
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = resolve(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [("a: !!python/object/apply:os.system [x]", "f:1:4", "tag"),
     ("! a", "f:1:1", "tag"),
     ("a: &x 1", "f:1:4", "anchor '&x'"),
     ("a: 1\nb: *x", "f:2:4", "anchor '*x'"),
     ("a: 1\nb: 2\na: 3", "f:3:1", "'a' is there twice"),
     ("1: a\n0x1: b", "f:2:1", "1 is there twice"),
     ("a: 1\n---\nb: 2", "f:2:1", "second document"),
     ("? [a]\n: 1", "f:1:3", "a key is"),
     ("[" * 200, "f:1:101", "nested"),
     ("a: " + "9" * 5000, "f:1:4", "digits"),
     ("a: b: c", "f:1:5", "no YAML"),
     ("a:\n - 1\n- 2", "f:3:1", "no YAML"),
     ("a: 1\nb: \x07", "f:2:4", "not allowed"),
     (b"a: \xff", "f", "UTF-8")],
)  # fmt: skip
def test_what_is_outside_the_subset_is_refused_with_its_place(
    text: str | bytes, place: str, says: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_yaml(text, "f")
    assert (raised.value.where, says in raised.value.message, bool(raised.value.hint)) == (place, True, True)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(ConfigurationError, match="refused"):
        read_yaml("\n".join(lines), "f")


def test_nothing_is_an_empty_document_and_a_byte_order_mark_is_skipped() -> None:
    assert [read_yaml(text, "f") for text in ("", "# only this\n", b"\xef\xbb\xbfa: 1")] == [
        None,
        None,
        {"a": 1},
    ]


def test_mappings_keep_their_order_and_lists_stand_in_blocks() -> None:
    assert write_yaml({"b": [1, 2], "a": {}, "t": "x\ny\n"}) == "b:\n- 1\n- 2\na: {}\nt: |\n  x\n  y\n"


def test_what_yaml_cannot_say_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="object"):
        write_yaml({"a": object()})


def test_a_deep_document_is_written_without_recursion() -> None:
    document: object = 1
    for _ in range(5000):
        document = {"a": document}
    assert write_yaml(document).count("a:") == 5000


def test_a_file_that_is_missing_or_unreadable_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.yaml"):
        read_yaml_file(tmp_path / "gone.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_yaml_file(tmp_path)

from __future__ import annotations

import codecs
import datetime as dt
import enum
import functools
import gzip
import io
import logging
import re
import tempfile
import threading
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dovetail.hashing import digest_value
from dovetail.planning.live_values import LiveValues, UnreadableValueError


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Point:
    x: int
    tags: tuple[str, ...] = ()


class Pair(NamedTuple):
    left: int
    right: int


class Settings(BaseModel):
    rate: float = 0.5


class Names(list[str]):
    pass


class Slotted:
    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


def digest(value: object) -> str:
    return digest_value(LiveValues().structure(value))


DIFFERENT = [
    1,
    True,
    1.0,
    "1",
    b"1",
    None,
    (),
    [],
    {},
    set(),
    (1,),
    [1],
    {1},
    {1: 1},
    {(1, 1)},
    {"1": 1},
    ("list", (1,)),
    Color.RED,
    Color.BLUE,
    Point(1),
    Point(2),
    Point(1, ("a",)),
    Pair(1, 2),
    Pair(2, 1),
    (1, 2),
    Settings(),
    Settings(rate=1),
    Names(["a"]),
    Names(["b"]),
    ["a"],
    Slotted(1),
    Slotted(2),
    Decimal(1),
    Decimal("1.0"),
    dt.date(2020, 1, 1),
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    PurePosixPath("a"),
    "a",
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    range(3),
    range(4),
    logging.getLogger("a"),
    logging.getLogger("b"),
    len,
    max,
    functools.partial(max, 1),
    functools.partial(max, 2),
    Point,
    Pair,
    digest,
    re,
    enum,
    {Point(1): 1},
    {Point(1)},
    complex(1, 2),
]


def test_different_values_have_different_digests() -> None:
    digests = [digest(each) for each in DIFFERENT]
    assert [DIFFERENT[place] for place, each in enumerate(digests) if digests.index(each) != place] == []


@pytest.mark.parametrize(
    ("value", "again"),
    [
        (Point(1, ("a",)), Point(1, ("a",))),
        (Settings(rate=1), Settings(rate=1)),
        (Slotted(3), Slotted(3)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (frozenset({1, 2, 3}), {3, 2, 1}),
    ],
)
def test_equal_values_have_equal_digests(value: Any, again: Any) -> None:
    assert digest(value) == digest(again)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (threading.Lock(), "_thread.lock"),
        (io.StringIO(), "_io.StringIO"),
        (object(), "has no attributes"),
        ((each for each in ()), "generator"),
        ([threading.Lock()], "_thread.lock"),
    ],
)
def test_a_value_without_a_structure_is_refused_by_its_class(value: Any, why: str) -> None:
    with pytest.raises(UnreadableValueError, match=why) as raised:
        LiveValues().structure(value)
    assert " at 0x" not in str(raised.value)


@pytest.mark.parametrize(
    ("opening", "arguments"),
    [
        (open, (__file__,)),
        (open, (__file__, "rb")),
        (open, (__file__, "rb", 0)),
        (gzip.open, (__file__,)),
        (codecs.StreamReaderWriter, (io.BytesIO(), codecs.getreader("utf-8"), codecs.getwriter("utf-8"))),
        (tempfile.TemporaryFile, ()),
        (tempfile.NamedTemporaryFile, ()),
        (tempfile.SpooledTemporaryFile, ()),
        (io.BytesIO, (b"a",)),
        (io.StringIO, ("a",)),
    ],
)
def test_an_open_file_is_refused_whatever_opened_it(opening: Any, arguments: tuple[Any, ...]) -> None:
    with opening(*arguments) as file, pytest.raises(UnreadableValueError, match="an open file"):
        LiveValues().structure({"held": [file]})


def test_a_value_that_contains_itself_and_one_that_is_too_deep_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnreadableValueError, match="contains itself"):
        LiveValues().structure(loop)
    with pytest.raises(UnreadableValueError, match="nested too deep"):
        LiveValues().structure(deep)


def test_classes_and_functions_met_on_the_way_are_told() -> None:
    reader = LiveValues()
    reader.structure([Point(1), {"f": digest}])
    assert set(reader.reached) == {Point, digest}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(plain, plain)
def test_digests_are_equal_only_for_equal_values_of_equal_types(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (repr_of(one) == repr_of(other))


def repr_of(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{sorted((key, repr_of(each)) for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[repr_of(each) for each in value]}"
    return repr(value)

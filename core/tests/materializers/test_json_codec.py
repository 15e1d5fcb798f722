from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import zoneinfo
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.errors import MaterializerError
from dovetail.materializers.json_codec import decode, encode

zones = (
    st.none() | st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23))) | st.timezones()
)
letters = st.text(st.characters(exclude_categories=[]))  # lone surrogates included
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | letters | st.binary() | st.complex_numbers()
    | st.decimals(allow_nan=False) | st.fractions() | st.uuids() | st.dates() | st.timedeltas()
    | st.datetimes(timezones=zones, allow_imaginary=True) | st.times()
)  # fmt: skip
hashables = st.recursive(
    scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
values = st.recursive(
    scalars | hashables,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.sets(hashables) | st.dictionaries(letters, inner)
    | st.dictionaries(hashables, inner) | st.lists(inner).map(deque),
    max_leaves=12,
)  # fmt: skip


SPELLED: dict[type, Callable[[Any], Any]] = {
    int: "{:x}".format,
    float: lambda value: "nan" if math.isnan(value) else value.hex(),
    complex: lambda value: [spelled(value.real), spelled(value.imag)],
    **dict.fromkeys(
        (dict, OrderedDict, Counter), lambda value: [[spelled(a), spelled(b)] for a, b in value.items()]
    ),
    **dict.fromkeys((set, frozenset), lambda value: sorted(map(spelled, value))),
    **dict.fromkeys((list, tuple, deque), lambda value: list(map(spelled, value))),
}


def spelled(value: Any) -> str:
    """Return a text that tells all differences that a user could see, order of keys included."""
    content = SPELLED.get(type(value), repr)(value)
    return f"{type(value).__name__} {content} {getattr(value, 'fold', '')} {getattr(value, 'maxlen', '')}"


@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert spelled(decode(encode(value))) == spelled(value)


@given(values, values)
def test_different_values_have_different_bytes(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == (spelled(one) == spelled(other))


@pytest.mark.parametrize(
    "value",
    [
        [math.nan, math.inf, -math.inf, -0.0],
        {"$tuple": [1]}, {"$": None}, {"a": {"$bytes": "AA=="}}, {"$dict": [], "b": 1},
        {1: "one", "1": "text", (1,): "tuple", None: 0, False: 1.5},
        10**5000, -(10**400), [10**5000], {"a": -(10**5000)},
        "\ud800\udc00", {"\udfff": 1}, ["\ud800", "ü"],
        OrderedDict(b=1, a=2), Counter("abca"), deque([1, 2], maxlen=2), deque(), range(3, 9, 2), ...,
        bytearray(b"x"), b"", frozenset({frozenset({1}), 2}), {(1, (2, frozenset("ab")))},
        Decimal("-0.00"), Decimal("NaN"), Decimal("1E+999999"), Fraction(-1, 3), UUID(int=7),
        datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        datetime(2020, 1, 1, tzinfo=timezone(timedelta(minutes=90, microseconds=1), "odd")),
        datetime.max.replace(tzinfo=UTC), datetime(1, 1, 1),  # noqa: DTZ001 - naive ones too
        time(1, 2, 3, 4, tzinfo=UTC), timedelta.min, UTC,
        Path("a/b"), PurePosixPath("/x"), PureWindowsPath("c:/x"), complex(math.nan, -0.0),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_values_that_are_easily_changed_come_back(value: Any) -> None:
    assert spelled(decode(encode(value))) == spelled(value)
    assert spelled(decode(encode({"inside": [value]}))["inside"][0]) == spelled(value)


def test_plain_values_are_plain_json() -> None:
    value = {"name": "Zoë", "scores": [1, 2.5, None, True], "nested": {"a": []}}
    assert encode(value) == '{"name":"Zoë","scores":[1,2.5,null,true],"nested":{"a":[]}}'.encode()


CHILD = """
import sys
from dovetail.materializers.json_codec import encode
words = [f"word {n}" for n in range(40)]
nested = frozenset((frozenset(words[:n]), n) for n in range(6))
value = {"set": set(words), "nested": nested, "mixed": {1, "1", None, b"1", 2.5}}
sys.stdout.buffer.write(encode(value))
"""


def test_bytes_are_equal_under_every_hash_seed() -> None:
    def written(seed: int) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        return subprocess.run(
            [sys.executable, "-c", CHILD], env=environment, capture_output=True, check=True
        ).stdout

    first, *others = [written(seed) for seed in range(8)]
    assert set(others) == {first}
    assert decode(first)["set"] == {f"word {n}" for n in range(40)}


class OwnText(str):
    __slots__ = ()


class OwnZone(tzinfo):
    pass


@dataclass
class Holder:
    item: Any


@pytest.mark.parametrize(
    ("value", "place", "kind"),
    [
        (object(), "value ", "object"),
        ({"a": [1, {"b": object()}]}, "value['a'][1]['b'] ", "object"),
        ([(1, {OwnText("x")})], "value[0][1]{...} ", "OwnText"),
        ({OwnText("key"): 1}, "value, a key ", "OwnText"),
        ([datetime(2020, 1, 1, tzinfo=OwnZone())], "value[0] ", "datetime.datetime"),
        (Holder([object()]), "value['item'][0] ", "object"),
        (lambda: 1, "value ", "function"),
        (int, "value ", "type"),
    ],
)
def test_what_cannot_come_back_is_refused_with_its_place(value: object, place: str, kind: str) -> None:
    with pytest.raises(MaterializerError) as caught:
        encode(value)
    assert place in caught.value.message
    assert kind in caught.value.message
    assert caught.value.hint


def test_a_value_that_holds_itself_or_is_very_deep_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (endless, deep, {"a": endless}):
        with pytest.raises(MaterializerError, match="nested too deeply"):
            encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xff", b'{"$nobody": 1}', b'{"$tuple": 1}', b'{"$dict": [[1]]}', b'{"$set": [[1]]}',
        b'{"$int": "z"}',
        b'{"$datetime": 3}', b'{"$path": ["x", 1]}', b'{"$uuid": "x"}', b'{"$decimal": [1]}',
        b'{"$bytes": "a"}', b'{"$enum": ["os:system", "ls"]}', b'{"$dataclass": []}',
        b'{"$datetime": ["2020-01-01", 0, "../etc/passwd"]}', b"[" * 100_000,
    ],
    ids=range(17),
)  # fmt: skip
def test_a_file_that_is_no_value_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(MaterializerError) as caught:
        decode(data)
    assert caught.value.hint


KINDS = [
    "tuple", "set", "frozenset", "dict", "int", "float", "text", "bytes", "bytearray", "complex", "decimal",
    "fraction", "uuid", "date", "datetime", "time", "timedelta", "timezone", "range", "ellipsis", "path",
    "ordereddict", "counter", "deque", "flag", "enum", "named", "model", "dataclass",
]  # fmt: skip
documents = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.builds(lambda kind, content: {f"${kind}": content}, st.sampled_from(KINDS), inner)
    ),
    max_leaves=20,
)


@given(documents)
def test_no_document_does_more_than_fail(document: Any) -> None:
    try:
        value = decode(json.dumps(document).encode())
    except MaterializerError as error:
        assert error.hint  # noqa: PT017 - it may be a value as well
    else:
        assert type(value).__module__ in {
            "builtins", "collections", "datetime", "decimal", "fractions", "uuid", "pathlib", "zoneinfo",
        }  # fmt: skip

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr
from typing_extensions import TypedDict

from dovetail.definition.signature import REQUIRED, Argument
from dovetail.hashing import canonical_json
from dovetail.planning.parameter_values import Text, UnfitValueError, decode, encode, encode_fields, example
from dovetail.records.config import BaseStepConfig


class Mode(Enum):
    FAST = "fast"


@dataclass
class Point:
    x: int
    y: float = 0.5


class Row(TypedDict):
    size: int


class Pair(NamedTuple):
    left: int
    right: int


class Model(BaseModel):
    rate: float
    names: set[str] = set()


class Config(BaseStepConfig):
    epochs: int = 1
    rate: Annotated[float, Field(gt=0)] = 0.5
    name: str = Field("x", alias="label")


class Strict(BaseStepConfig):
    epochs: int


def argument(cls: type, default: Any = REQUIRED) -> Argument:
    return Argument("config", cls, default, "config")


@pytest.mark.parametrize(
    ("annotation", "value", "document"),
    [
        (int, 3, 3),
        (int, 10**30, 10**30),
        (bool, True, True),
        (float, 3, 3.0),
        (float, 1e-300, 1e-300),
        (str, "ä\n\0", "ä\n\0"),
        (int | None, None, None),
        (list[int], [1, 2], [1, 2]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (list[int], (1, 2), [1, 2]),
        (set[str], {"b", "a", "c"}, ["a", "b", "c"]),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
        (dict[int, str], {1: "a"}, {"1": "a"}),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (Sequence[int], [1], [1]),
        (Literal["a", "b"], "a", "a"),
        (Mode, Mode.FAST, "fast"),
        (Path, Path("a/b"), "a/b"),
        (dt.date, dt.date(2020, 1, 2), "2020-01-02"),
        (dt.timedelta, dt.timedelta(seconds=90), "PT1M30S"),
        (Decimal, Decimal("1.10"), "1.10"),
        (UUID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Point, Point(1), {"x": 1, "y": 0.5}),
        (Point, {"x": 1}, {"x": 1, "y": 0.5}),
        (Row, {"size": 1}, {"size": 1}),
        (Pair, Pair(1, 2), [1, 2]),
        (Model, Model(rate=1, names={"b", "a"}), {"rate": 1.0, "names": ["a", "b"]}),
        (list[Model], [Model(rate=1)], [{"rate": 1.0, "names": []}]),
        (Any, {"a": [1, None, 2.5]}, {"a": [1, None, 2.5]}),
        (list, [1, "a"], [1, "a"]),
    ],
)
def test_a_value_is_kept_as_json_and_comes_back_equal(annotation: Any, value: Any, document: Any) -> None:
    found = encode(annotation, value)
    assert canonical_json(found) == canonical_json(document)
    again = decode(annotation, found)
    assert encode(annotation, again) == found


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (int, "3", "is '3', not int"),
        (int, True, "is True, not int"),
        (int, 3.0, "is 3.0, not int"),
        (str, 3, "is 3, not str"),
        (bool, 1, "is 1, not bool"),
        (float, "x", "is 'x', not float"),
        (float, float("nan"), "is nan, which JSON cannot hold"),
        (float, float("inf"), "is inf, which JSON cannot hold"),
        (str, "\ud800", "which JSON cannot hold"),
        (list[int], [1, "a"], "1: Input should be a valid integer"),
        (Literal["a"], "b", "is 'b', not Literal['a']"),
        (Any, (1, 2), "which the step would get as [1, 2]"),
        (dict, {1: 2}, "which the step would get as {'1': 2}"),
        (Any, threading.Lock(), "which JSON cannot hold"),
        (threading.Event, threading.Event(), "of which JSON can hold none"),
        (SecretStr, SecretStr("hidden"), "which the step would get as"),
    ],
)
def test_a_value_that_is_not_of_the_type_or_no_json_is_refused(
    annotation: Any, value: Any, said: str
) -> None:
    with pytest.raises(UnfitValueError) as raised:
        encode(annotation, value)
    assert said in raised.value.reason
    assert raised.value.hint
    assert "hidden" not in raised.value.reason


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnfitValueError):
        encode(Any, deep)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "3", 3),
        (float, "1e-3", 0.001),
        (bool, "true", True),
        (bool, "no", False),
        (str, "3", "3"),
        (str, '"3"', '"3"'),
        (str | None, "3", "3"),
        (str | None, "null", None),
        (int | None, "null", None),
        (int | str, "3", 3),
        (list[int], "[1, 2]", [1, 2]),
        (dt.date, "2020-01-02", "2020-01-02"),
        (Path, "a/b", "a/b"),
        (Any, "3", 3),
        (Any, "word", "word"),
        (Mode, "fast", "fast"),
    ],
)
def test_a_text_of_the_command_line_is_read_as_the_annotation_asks(
    annotation: Any, text: str, value: Any
) -> None:
    assert encode(annotation, Text(text)) == value


@pytest.mark.parametrize(
    ("annotation", "text"), [(int, "3.5"), (int, "x"), (bool, "maybe"), (list[int], "1,2")]
)
def test_a_text_that_is_nothing_of_the_type_is_refused(annotation: Any, text: str) -> None:
    with pytest.raises(UnfitValueError, match=f"is '{text}', not"):
        encode(annotation, Text(text))


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (int, "3"),
        (float | None, "0.5"),
        (list[int], "[3]"),
        (list[str], '["text"]'),
        (Literal["a", "b"], "a"),
        (Mode, "fast"),
    ],
)
def test_an_example_of_a_type_is_a_text_that_is_read_as_it(annotation: Any, shown: str) -> None:
    assert example(annotation) == shown
    encode(annotation, Text(shown))


def test_of_a_type_that_is_not_plain_no_example_is_shown() -> None:
    assert example(Config) is None


def test_a_parameter_object_is_its_fields_with_single_ones_changed() -> None:
    full = {"epochs": 1, "rate": 0.5, "name": "x"}
    assert encode_fields(argument(Config), REQUIRED, {}) == full
    assert encode_fields(argument(Config), Config(epochs=3), {}) == {**full, "epochs": 3}
    assert encode_fields(argument(Config), {"epochs": 3}, {"name": Text("y")}) == {
        **full,
        "epochs": 3,
        "name": "y",
    }
    assert decode(Config, {**full, "name": "z"}) == Config(label="z")


@pytest.mark.parametrize(
    ("cls", "given", "changes", "said"),
    [
        (Config, REQUIRED, {"epoch": 1}, "has no field 'epoch'"),
        (Config, REQUIRED, {"epochs": Text("x")}, "is 'x', not int"),
        (Config, REQUIRED, {"rate": -1.0}, "is no Config: rate: Input should be greater than 0"),
        (Config, {"epoch": 1}, {}, "not"),
        (Config, 3, {}, "is 3, not"),
        (Strict, REQUIRED, {}, "lacks epochs"),
    ],
)
def test_a_wrong_parameter_object_is_refused(
    cls: type, given: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnfitValueError) as raised:
        encode_fields(argument(cls), given, changes)
    assert said in raised.value.reason
    assert raised.value.hint


finite = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    finite | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@settings(deadline=None)
@given(json_values)
def test_whatever_json_can_say_comes_back_as_it_was(value: Any) -> None:
    assert decode(Any, encode(Any, value)) == value

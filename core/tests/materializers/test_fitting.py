from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
)

import pytest

from dovetail.materializers.fitting import misfit

T = TypeVar("T")
Text = TypeVar("Text", bound=str)
UserId = NewType("UserId", int)


class Row(TypedDict):
    name: str
    score: NotRequired[float]


class Point(NamedTuple):
    x: int
    y: int = 0


@dataclass
class Settings:
    epochs: int


class Grid(Generic[T]):
    pass


class Named(Protocol):
    name: str


# What stands for NumPy's scalars, whose first is a float by inheritance and whose second is no int.
np_generic = type("generic", (), {"__module__": "numpy", "item": lambda self: self.value})
np_float = type("float64", (np_generic, float), {"__module__": "numpy", "value": 1.0})
np_int = type("int64", (np_generic,), {"__module__": "numpy", "value": 1, "__init__": lambda *_: None})


def _name(value: object) -> str:
    """Return a name that is the same in every process."""
    return type(value).__name__ if " at 0x" in str(value) else str(value)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, int),
        (True, int),
        (1, float),
        (1.5, complex),
        (None, None),
        (None, int | None),
        ("x", Any),
        ("x", object),
        ([], list[int]),
        ([1, 2], list[int]),
        ([1, 2.5], list[float]),
        ({"a": [1]}, dict[str, list[int]]),
        ((1, "a"), tuple[int, str]),
        ((1, 2, 3), tuple[int, ...]),
        ((), tuple[()]),
        ((), tuple),
        ({1}, set[int]),
        (deque([1]), deque[int]),
        ([1], Sequence[int]),
        ("ab", Sequence[str]),
        ({1: 2}, Mapping[int, int]),
        ([1], Iterable[int]),
        (Counter("ab"), Counter[str]),
        ("a", Literal["a", "b"]),
        (3, Annotated[int, {"unhashable": 1}]),
        ([3], list[Annotated[int, []]]),
        (3, UserId),
        ([1], list[T]),
        ("a", Text),
        (3, Optional[int]),  # noqa: UP045 - both spellings
        (3, Union[int, str]),  # noqa: UP007 - as above
        ({"name": "a"}, Row),
        ({"name": "a", "score": 1}, Row),
        (Point(1), Point),
        (Settings(1), Settings),
        (Settings("lies"), Settings),
        (Grid(), Grid[int]),
        (Settings(1), Named),
        (print, Callable[[int], str]),
        (np_float(1), float),
        (np_int(1), int),
        ([np_float(1)], list[float]),
        (3, "unresolved"),
    ],
    ids=_name,
)
def test_what_is_declared_fits(value: object, annotation: object) -> None:
    assert misfit(value, annotation) is None


@pytest.mark.parametrize(
    ("value", "annotation", "problem"),
    [
        ("1", int, "the value is 'str', declared 'int'"),
        (1.5, int, "the value is 'float', declared 'int'"),
        (None, int, "the value is 'None"),
        (1, str | None, "the value is 'int', declared 'str | None'"),
        ([1, "a"], list[int], "the value[1] is 'str', declared 'int'"),
        ({"a": {"b": [1, None]}}, dict[str, dict[str, list[int]]], "the value['a']['b'][1] is"),
        ({1: 2}, dict[str, int], "the value, key 1, is 'int', declared 'str'"),
        ((1, 2), tuple[int, str], "the value[1] is 'int', declared 'str'"),
        ((1, 2), tuple[int], "the value has 2 elements, declared 1"),
        ((1,), tuple[()], "the value has 1 elements, declared 0"),
        ([1], tuple[int], "the value is 'list', declared 'tuple[int]'"),
        ("c", Literal["a", "b"], "declared \"Literal['a', 'b']\""),
        (True, Literal[1], "the value is 'bool'"),
        ({"score": 1.0}, Row, "the value lacks 'name'"),
        ({"name": "a", "scores": 1}, Row, "the value has 'scores'"),
        ({"name": 3}, Row, "the value['name'] is 'int', declared 'str'"),
        ([], Row, "the value is 'list'"),
        (Point("a"), Point, "the value.x is 'str', declared 'int'"),
        ((1, 2), Point, "the value is 'tuple'"),
        ("x", Text | None, None),
        (3, Text, "the value is 'int', declared 'str'"),
        ("x", UserId, "the value is 'str', declared 'int'"),
        (np_float(1), int, "the value is 'numpy.float64', declared 'int'"),
        (1.0, np_float, "the value is 'float', declared 'numpy.float64'"),
        ([{"a": 1}], list[dict[str, str]], "the value[0]['a'] is 'int', declared 'str'"),
    ],
    ids=str,
)
def test_what_is_not_declared_is_told_with_its_place(
    value: object, annotation: object, problem: str | None
) -> None:
    found = misfit(value, annotation)
    assert problem is None or problem in str(found)
    assert (found is None) == (problem is None)

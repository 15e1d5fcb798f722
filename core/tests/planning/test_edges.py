from __future__ import annotations

from collections import abc
from enum import Enum
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import pytest

from dovetail.planning.edges import assignable


class Animal: ...


class Dog(Animal):
    def bark(self) -> None: ...


class Barks(Protocol):
    def bark(self) -> None: ...


class Row(TypedDict):
    size: int


class Color(Enum):
    RED = 1


UserId = NewType("UserId", int)
# The older spellings, which are other objects at run time.
Maybe = Optional[int]  # noqa: UP045
Either = Union[str, int]  # noqa: UP007
T = TypeVar("T")
Bound = TypeVar("Bound", bound=Animal)
Ints = TypeVar("Ints", int, bool)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (Dog, Animal),
        (bool, int),
        (int, float),
        (bool, float | None),
        (Any, int),
        (int, Any),
        (int, object),
        (int, int | str),
        (int, (int | None)),
        (None, (int | None)),
        (int | str, Either),
        (int, Maybe),
        (None, Maybe),
        (Either, Either | None),
        ((Dog | None), (Animal | None)),
        (list[int], list),
        (list, list[int]),
        (list[int], list[int]),
        (list[bool], list[int]),
        (list[int], abc.Sequence[float]),
        (list[int], abc.Iterable[int]),
        (dict[str, int], abc.Mapping[str, float]),
        (dict[str, Any], dict[str, int]),
        (tuple[int, str], tuple),
        (tuple[int, int], tuple[int, ...]),
        (tuple[int, str], tuple[float, str]),
        (tuple[int, ...], abc.Sequence[int]),
        (Dog, Barks),
        (Row, Row),
        (Row, dict),
        (Row, abc.Mapping[str, Any]),
        (Literal["a"], str),
        (Literal["a"], Literal["a", "b"]),
        (Color, Enum),
        (UserId, int),
        (Annotated[int, "x"], int),
        (int, Annotated[int, "x"]),
        (int, T),
        (T, int),
        (Dog, Bound),
        (Bound, Animal),
        (int, Ints),
        (set[int], abc.Set[int]),
        (type[int], type),
        (abc.Callable[[int], int], abc.Callable),
        (list[list[int]], list[list[float]]),
        (str, abc.Sequence),
    ],
)
def test_what_fits(given: Any, wanted: Any) -> None:
    assert assignable(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, str),
        (Animal, Dog),
        (float, int),
        (str, bytes),
        ((int | None), int),
        (int | str, int),
        (int, None),
        (list[str], list[int]),
        (list[int], tuple[int, ...]),
        (dict[int, str], dict[str, str]),
        (list[int], set[int]),
        (tuple[int, str], tuple[int, int]),
        (tuple[int, int], tuple[int]),
        (tuple[int, ...], tuple[int, int]),
        (tuple[int, str], abc.Sequence[int]),
        (Animal, Barks),
        (dict[str, int], Row),
        (Literal["a", "c"], Literal["a", "b"]),
        (str, Literal["a"]),
        (Literal[1], Literal[True]),
        (Literal["a"], int),
        (str, UserId),
        (str, Bound),
        (str, Ints),
        (list[list[str]], list[list[int]]),
        (object, int),
        (int, abc.Iterable),
    ],
)
def test_what_does_not_fit(given: Any, wanted: Any) -> None:
    assert not assignable(given, wanted)

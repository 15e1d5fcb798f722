from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, Flag, IntEnum, StrEnum, auto
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Generic, NamedTuple, TypedDict, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

from dovetail.errors import MaterializerError
from dovetail.materializers.json_codec import decode, encode

T = TypeVar("T")


class Colour(Enum):
    RED = 1
    ALSO_RED = 1  # noqa: PIE796 - an alias
    BLUE = (2, "b")


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


class Right(Flag):
    READ = auto()
    WRITE = auto()


class Point(NamedTuple):
    x: int
    y: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    colour: Colour = Colour.RED


@dataclass
class Tree:
    leaves: list[Leaf]
    by_key: dict[tuple[int, ...], Leaf | None] = field(default_factory=dict)
    made: int = field(init=False, default=0)
    count: ClassVar[int] = 5

    def __post_init__(self) -> None:
        self.made += 1

    @cached_property
    def size(self) -> int:
        return len(self.leaves)


class Base(BaseModel):
    kind: str = "base"


class Model(Base):
    tree: Tree
    scores: dict[int, set[str]] = {}
    _secret: int = PrivateAttr(default=1)

    @field_validator("scores")
    @classmethod
    def _grow(cls, scores: dict[int, set[str]]) -> dict[int, set[str]]:
        return {**scores, len(scores): set()}


class Open(Base):
    model_config = ConfigDict(extra="allow")


class Box(BaseModel, Generic[T]):
    content: T


class Row(TypedDict):
    point: Point
    extra: Any


leaves = st.builds(Leaf, st.text(), st.sampled_from(Colour))
trees = st.builds(Tree, st.lists(leaves), st.dictionaries(st.tuples(st.integers()), st.none() | leaves))
models = st.builds(
    Model,
    tree=trees,
    scores=st.dictionaries(st.integers(), st.sets(st.text(), max_size=1)),
    more=st.integers(),
)
points = st.builds(Point, st.integers(), st.tuples(st.integers()))
anything = (
    leaves
    | trees
    | models
    | points
    | st.sampled_from([*Colour, *Level, *Word, *Right, Right.READ | Right.WRITE])
)


@given(st.lists(anything) | st.dictionaries(st.text(), anything))
def test_objects_of_classes_come_back_without_an_annotation(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert repr(back) == repr(value)


@given(trees, models)
def test_objects_come_back_with_their_annotation(tree: Tree, model: Model) -> None:
    assert decode(encode(tree, Tree), Tree) == tree
    back = decode(encode([model], list[Model]), list[Model])
    assert back == [model]
    assert back[0].model_fields_set == model.model_fields_set
    assert back[0]._secret == 1


def test_no_constructor_and_no_validator_runs_again() -> None:
    tree = Tree([])
    tree.made = 7
    model = Model(tree=tree, scores={5: {"a"}})
    back = decode(encode(model))
    assert back.scores == {5: {"a"}, 1: set()}
    assert back.tree.made == 7


def test_aliases_of_enum_members_and_typed_mappings_stay() -> None:
    row: Row = {"point": Point(1, (2,)), "extra": {Colour.ALSO_RED: Level.LOW}}
    back = decode(encode(row, Row), Row)
    assert back == row
    assert back["extra"][Colour.RED] is Level.LOW
    assert type(back["point"]) is Point


def test_a_cached_property_is_left_out_and_other_attributes_are_refused() -> None:
    tree = Tree([Leaf("a")])
    assert tree.size == 1
    assert "size" not in vars(decode(encode(tree)))
    tree.extra = 1  # type: ignore[attr-defined] # what users do
    with pytest.raises(MaterializerError, match="Tree") as caught:
        encode(tree)
    assert "'extra'" in (caught.value.hint or "")


def test_a_class_of_a_function_needs_an_annotation_that_names_it() -> None:
    @dataclass
    class Local:
        x: int

    class LocalModel(BaseModel):
        inner: list[Local]

    value = LocalModel(inner=[Local(1)])
    with pytest.raises(MaterializerError, match="cannot be found again"):
        encode(value)
    assert decode(encode(Local(2), list[Local] | Local), Local) == Local(2)
    assert decode(encode(Box[int](content=3), Box[int]), Box[int]) == Box[int](content=3)


def test_a_derived_class_is_found_through_its_annotated_base() -> None:
    class Derived(Base):
        more: int

    assert decode(encode(Derived(more=2), Base), list[Base]) == Derived(more=2)


IMPORTS = """
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
"""


@pytest.fixture
def other_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return what replaces the code of a user's module."""

    def _load(code: str) -> ModuleType:
        module = ModuleType("steps_of_a_user")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(IMPORTS + code, vars(module))  # noqa: S102 - a module that changes
        return module

    return _load


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "@dataclass\nclass C:\n a: int\n b: int",
            "@dataclass\nclass C:\n a: int",
            "'b' is not in it any more",
        ),
        ("@dataclass\nclass C:\n a: int", "@dataclass\nclass C:\n a: int\n b: int", "'b' was not stored"),
        ("class C(NamedTuple):\n a: int", "class C(NamedTuple):\n a: int\n b: int", "1 fields were stored"),
        ("@dataclass\nclass C:\n a: int", "class C:\n pass", "TypeError"),
        ("@dataclass\nclass C:\n a: int", "", "no such class is loaded"),
        ("@dataclass\nclass C:\n a: int", "C = 3", "no such class is loaded"),
    ],
)
def test_a_class_that_changed_is_told(
    other_module: Callable[[str], ModuleType], before: str, after: str, message: str
) -> None:
    cls = other_module(before).C
    data = encode(cls(*range(len(getattr(cls, "__annotations__", ())))))
    other_module(after)
    with pytest.raises(MaterializerError, match=message) as caught:
        decode(data)
    assert caught.value.hint


def test_a_new_field_with_a_default_is_filled_in(other_module: Callable[[str], ModuleType]) -> None:
    data = encode(other_module("@dataclass\nclass C:\n a: int").C(1))
    newer = other_module("@dataclass\nclass C:\n a: int\n b: str = 'new'").C
    assert decode(data) == newer(1, "new")


def test_a_class_that_is_not_loaded_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    for kind in ("dataclass", "model", "enum", "named", "flag"):
        with pytest.raises(MaterializerError, match=r"antigravity:Fly.*no such class is loaded"):
            decode(f'{{"${kind}": ["antigravity:Fly", {{}}]}}'.encode())
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "name", ["os:system", "builtins:eval", "subprocess:Popen", "pathlib:Path", "os:environ.x"]
)
@pytest.mark.parametrize("kind", ["dataclass", "model", "enum", "named", "flag"])
def test_a_name_in_a_file_makes_nothing_but_a_class_of_its_kind(kind: str, name: str) -> None:
    with pytest.raises(MaterializerError):
        decode(f'{{"${kind}": ["{name}", "echo hacked"]}}'.encode())

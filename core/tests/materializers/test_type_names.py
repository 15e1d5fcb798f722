from __future__ import annotations

import collections.abc
import sys
import typing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar

import pytest

from dovetail.materializers.type_names import class_names, public_module, type_name

T = TypeVar("T")
Identifier = NewType("Identifier", int)


@dataclass
class Settings:
    x: int


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Any, "Any"),
        (list[int], "list[int]"),
        (typing.List[int], "list[int]"),  # noqa: UP006 - both spellings
        (typing.Dict[str, Any], "dict[str, Any]"),  # noqa: UP006 - as above
        (Optional[int], "int | None"),  # noqa: UP045 - as above
        (int | str | None, "int | str | None"),
        (tuple[int, ...], "tuple[int, ...]"),
        (tuple[()], "tuple[()]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, "age"], "int"),
        (Identifier, "int"),
        (T, "T"),
        (collections.abc.Sequence[str], "collections.abc.Sequence[str]"),
        (Path, "pathlib.Path"),
        ("Later", "Later"),
        (collections.abc.Callable[[int], str], "collections.abc.Callable[[int], str]"),
        (list["Later"], "list[Later]"),  # noqa: F821 - defined later
    ],
    ids=str,
)
def test_an_annotation_has_one_name(annotation: object, name: str) -> None:
    assert type_name(annotation) == name


def test_a_class_is_named_with_its_module_and_as_its_materializer_announces_it() -> None:
    name = f"{Settings.__module__}.Settings"
    assert type_name(Settings) == name
    assert type_name(list[Settings | None], {name: "steps.Settings"}) == "list[steps.Settings | None]"
    assert list(class_names(bool)) == ["builtins.bool", "builtins.int"]


@pytest.mark.parametrize(
    ("main", "name"),
    [
        (SimpleNamespace(__file__="/work/project/run.py", __spec__=None), "run"),
        (
            SimpleNamespace(__file__="/x/pkg/train.py", __spec__=SimpleNamespace(name="pkg.train")),
            "pkg.train",
        ),
        (SimpleNamespace(__file__="/x/app.py", __spec__=SimpleNamespace(name="__main__")), "app"),
        (SimpleNamespace(__file__="<stdin>", __spec__=None), "__main__"),
        (ModuleType("__main__"), "__main__"),
    ],
)
def test_the_main_module_is_known_by_its_file(
    monkeypatch: pytest.MonkeyPatch, main: object, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(Settings, "__module__", "__main__")
    assert public_module("__main__") == name
    assert type_name(Settings) == f"{name}.Settings"
    assert public_module("other") == "other"

"""Which class a stored name means: one that the annotation reaches or that is loaded; none is imported."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Any, get_args, get_type_hints

from dovetail.errors import MaterializerError
from dovetail.materializers.type_names import bare, public_module


def stored_name(cls: type) -> str:
    """Return under which name a class is stored, `module:qualname`."""
    return f"{public_module(cls.__module__)}:{cls.__qualname__}"


class Classes:
    """The classes that values of an annotated type may be made of."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self._sure: set[type] = set()

    def name(self, cls: type) -> str:
        """Return the name to store a class under.

        Raises:
            MaterializerError: nobody could find the class by it.
        """
        name = stored_name(cls)
        if cls not in self._sure:
            if cls not in _loaded(name) and self._search(name) is not cls:
                raise MaterializerError(
                    f"class {name!r} cannot be found again by its name, so a value of it cannot be stored",
                    hint="define it at the top level of a module, or name it in the output's annotation",
                )
            self._sure.add(cls)
        return name

    def find(self, name: str) -> type:
        """Return the class of a stored name.

        Raises:
            MaterializerError: no class of that name is here.
        """
        if (cls := self._search(name)) is None:
            module = name.partition(":")[0]
            raise MaterializerError(
                f"the value holds a {name!r}, and no such class is loaded",
                hint=f"import {module!r} first, or say of which type the value is when you load it",
            )
        return cls

    def _search(self, name: str) -> type | None:
        return self._reached.get(name) or next(iter(_loaded(name)), None) or self._derived(name)

    @cached_property
    def _reached(self) -> dict[str, type]:
        return {stored_name(cls): cls for cls in reached_classes(self._annotation)}

    def _derived(self, name: str) -> type | None:
        left, seen = [*self._reached.values()], set[type]()
        while left:
            cls = left.pop()
            if stored_name(cls) == name:
                return cls
            if cls not in seen and cls is not object:
                seen.add(cls)
                left.extend(type.__subclasses__(cls))
        return None


def reached_classes(annotation: Any) -> Iterator[type]:
    """Yield the classes of users that an annotation names, and those that their fields name."""
    left, seen = [annotation], set[type]()
    while left:
        current = bare(left.pop())
        if isinstance(current, list | tuple):
            left.extend(current)
        left.extend(get_args(current))
        if isinstance(current, type) and current.__module__ != "builtins" and current not in seen:
            seen.add(current)
            yield current
            left.extend(field_annotations(current).values())


def field_annotations(cls: type) -> dict[str, Any]:
    """Return the annotations of a class's fields; what cannot be resolved is Any."""
    if not _has_fields(cls):
        return {}
    try:
        return get_type_hints(cls)
    except (NameError, TypeError, AttributeError):  # names that only existed where the class was made
        return dict.fromkeys(getattr(cls, "__annotations__", ()), Any)


def _has_fields(cls: type) -> bool:
    marks = ("_fields", "__required_keys__", "model_fields")
    return dataclasses.is_dataclass(cls) or any(hasattr(cls, mark) for mark in marks)


def _loaded(name: str) -> list[type]:
    """Return the classes of that name in modules that are loaded; attributes are read so that no code runs.

    A script that is imported once more, by itself, has two; the one that runs is the first.
    """
    module, _, path = name.partition(":")
    both = ["__main__", module] if public_module("__main__") == module else [module]
    classes: list[type] = []
    for candidate in map(sys.modules.get, both):
        if not isinstance(candidate, ModuleType):
            continue
        found: Any = candidate
        for part in path.split("."):
            found = found.__dict__.get(part) if isinstance(found, type | ModuleType) else None
        if isinstance(found, type) and stored_name(found) == name and found not in classes:
            classes.append(found)
    return classes

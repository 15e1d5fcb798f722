"""Which declared types the JSON materializer can store, found without a value."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from enum import Enum
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Generic, Literal, Protocol, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from dovetail.materializers.classes import field_annotations
from dovetail.materializers.fitting import is_typed_dict
from dovetail.materializers.scalars import TO_TEXT
from dovetail.materializers.type_names import bare, public_module

_LEAVES = {NoneType, bool, int, float, str, bytes, bytearray, *TO_TEXT}
_CONTAINERS = {
    list, tuple, dict, set, frozenset,
    collections.OrderedDict, collections.Counter, collections.deque,
}  # fmt: skip


def not_json(annotation: Any) -> Any | None:
    """Return the part of an annotation that JSON has no form for, None where there is none.

    `Any`, a bare `dict` and the like are taken: what they hold shows when a value is stored.
    """
    left, seen = [annotation], set[Any]()
    while left:
        current = bare(left.pop())
        if isinstance(current, list | tuple):
            left.extend(current)
            continue
        origin = get_origin(current)
        if origin is Literal or _is_open(current):
            continue
        if origin is not None:
            left.extend(get_args(current))
            if origin not in {Union, UnionType}:
                left.append(origin)
        elif isinstance(current, TypeVar):
            left.extend(current.__constraints__ or (current.__bound__ or Any,))
        elif not isinstance(current, type):
            return current
        elif current not in seen:
            seen.add(current)
            if not _is_stored(current):
                return current
            left.extend(_fields(current))
    return None


def _is_open(annotation: Any) -> bool:
    """Say whether an annotation leaves it to the value what it is."""
    return annotation is Any or annotation is object or annotation is Ellipsis or isinstance(annotation, str)


def _is_stored(cls: type) -> bool:
    if cls in _LEAVES or cls in _CONTAINERS or cls in {Generic, Protocol}:
        return True
    if cls.__module__ == "collections.abc":
        return issubclass(cls, Iterable)
    if issubclass(cls, PurePath):
        return public_module(cls.__module__) == "pathlib"
    if cls.__module__.partition(".")[0] == "pydantic":
        # Its own types have values that are often plain; they show when one is stored.
        return True
    if issubclass(cls, Enum | BaseModel) or is_typed_dict(cls) or dataclasses.is_dataclass(cls):
        return True
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _fields(cls: type) -> Iterable[Any]:
    if issubclass(cls, Enum):
        return ()
    annotations = field_annotations(cls)
    if issubclass(cls, BaseModel):
        return [annotations.get(name, Any) for name in cls.model_fields]
    if dataclasses.is_dataclass(cls):
        return [annotations.get(field.name, Any) for field in dataclasses.fields(cls)]
    return list(annotations.values())

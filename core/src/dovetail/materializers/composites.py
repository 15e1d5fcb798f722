"""Values made of other values, taken apart and put together again: collections, and classes of users.

An object of a user's class gets its fields back as they were: no `__init__`, no validator and no
`__post_init__` is called, so nothing that is read from a file runs code.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from enum import Enum, Flag
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from dovetail.errors import MaterializerError
from dovetail.materializers.classes import Classes

_RAW = (dict, list, tuple, set, frozenset, str, bytes, int, float, BaseException)
_MISSING: Any = object()


def decompose(value: Any, classes: Classes) -> tuple[str, list[Any]] | None:
    """Return the kind of a value and its parts, None where it is of no kind that is known here.

    Raises:
        ValueError: it has something beside its fields that would be lost.
        MaterializerError: its class could not be found again.
    """
    cls = type(value)
    if cls in {OrderedDict, Counter}:
        return cls.__name__.lower(), [[[key, each] for key, each in value.items()]]
    if cls is deque:
        return "deque", [list(value), value.maxlen]
    for kind, (base, parts, _) in _OBJECTS.items():
        if isinstance(value, base) and (content := parts(value)) is not None:
            return kind, [classes.name(cls), *content]
    return None


def recompose(kind: str, content: Any, classes: Classes) -> Any:
    """Return the value that was taken apart.

    Raises:
        MaterializerError: the class is not loaded, or has other fields than it had.
        ValueError, TypeError, LookupError: this is nothing that `decompose` makes.
    """
    if kind == "ordereddict":
        return OrderedDict(content[0])
    if kind == "counter":
        return Counter(dict(content[0]))
    if kind == "deque":
        return deque(content[0], content[1])
    if kind not in _OBJECTS:
        raise ValueError(f"unknown kind {kind!r}")
    base, _, build = _OBJECTS[kind]
    cls = classes.find(content[0])
    if not issubclass(cls, base):
        raise TypeError(f"{content[0]!r} is no {kind}")
    return build(cls, *content[1:])


def _named_parts(value: Any) -> list[Any] | None:
    return [list(value)] if hasattr(value, "_fields") else None


def _dataclass_parts(value: Any) -> list[Any] | None:
    if not dataclasses.is_dataclass(value) or isinstance(value, _RAW):
        return None
    fields = [field.name for field in dataclasses.fields(value)]
    cls = type(value)
    beside = (name for name in getattr(value, "__dict__", ()) if name not in fields)
    if lost := [name for name in beside if not isinstance(getattr(cls, name, None), cached_property)]:
        raise ValueError(f"attribute {lost[0]!r} is no field of it and would be lost; declare it as a field")
    return [{name: getattr(value, name) for name in fields}]


def _to_dataclass(cls: Any, stored: dict[str, Any]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    _same_fields(cls, stored, fields)
    made = object.__new__(cls)
    for name, field in fields.items():
        value = stored.get(name, _MISSING)
        if value is _MISSING:
            value = field.default if field.default is not dataclasses.MISSING else _made(cls, name, field)
        object.__setattr__(made, name, value)
    return made


def _made(cls: type, name: str, field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is dataclasses.MISSING:
        raise _changed(cls, f"field {name!r} was not stored and has no default")
    return field.default_factory()


def _model_parts(value: BaseModel) -> list[Any]:
    fields = {name: value.__dict__[name] for name in type(value).model_fields if name in value.__dict__}
    private = value.__pydantic_private__
    return [fields, sorted(value.model_fields_set), value.model_extra, private and dict(private)]


def _to_model(
    cls: Any,
    stored: dict[str, Any],
    given: list[str],
    extra: dict[str, Any] | None,
    private: dict[str, Any] | None,
) -> Any:
    _same_fields(cls, stored, cls.model_fields)
    for name, field in cls.model_fields.items():
        if name not in stored:
            if field.is_required():
                raise _changed(cls, f"field {name!r} was not stored and has no default")
            stored[name] = field.get_default(call_default_factory=True)
    made = cls.__new__(cls)
    state = {
        "__dict__": stored,
        "__pydantic_fields_set__": set(given),
        "__pydantic_extra__": extra,
        "__pydantic_private__": private,
    }
    BaseModel.__setstate__(made, state)
    return made


def _to_named(cls: Any, values: list[Any]) -> Any:
    missing = cls._fields[len(values) :]
    if len(values) > len(cls._fields) or any(name not in cls._field_defaults for name in missing):
        raise _changed(cls, f"{len(values)} fields were stored, it has {len(cls._fields)}")
    return tuple.__new__(cls, [*values, *(cls._field_defaults[name] for name in missing)])


def _to_enum(cls: Any, name: str) -> Any:
    if name not in cls.__members__:
        raise _changed(cls, f"it has no member {name!r} any more")
    return cls.__members__[name]


def _same_fields(cls: type, stored: dict[str, Any], fields: dict[str, Any]) -> None:
    if gone := sorted(set(stored) - set(fields)):
        raise _changed(cls, f"stored field {gone[0]!r} is not in it any more")


def _changed(cls: type, what: str) -> MaterializerError:
    return MaterializerError(
        f"class {cls.__module__}.{cls.__qualname__} is not what it was when the value was stored: {what}",
        hint="load it with the code of that run, or give new fields a default",
    )


# In this order: an enum may be a tuple or a dataclass as well.
_OBJECTS: dict[str, tuple[type, Callable[[Any], list[Any] | None], Callable[..., Any]]] = {
    "flag": (Flag, lambda value: [value.value], lambda cls, value: cls(int(value))),
    "enum": (Enum, lambda value: [value.name], _to_enum),
    "named": (tuple, _named_parts, _to_named),
    "model": (BaseModel, _model_parts, _to_model),
    "dataclass": (object, _dataclass_parts, _to_dataclass),
}

"""Whether a value is what an annotation says, and if not, where it is not."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import (
    Any,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from dovetail.materializers.type_names import bare, class_name, type_name

# Types without parts, whose members need no look at each.
_SIMPLE = {int, float, str, bool, bytes, complex, types.NoneType}
# PEP 484: where a float is wanted an int will do.
_TOWER: dict[Any, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}

Problem = tuple[str, str]
"""A place inside the value, as it would be written behind it, and what is wrong there."""


class _Place(str):
    """A part of a place that is no index."""

    __slots__ = ()


def misfit(value: Any, annotation: Any) -> str | None:
    """Return what is wrong where (`the value['a'][3] is 'str', declared 'int'`), None where nothing is.

    What an annotation cannot say at run time (a protocol, a callable's signature, the fields of a user's
    class) is not looked at.
    """
    problem = _misfit(value, annotation)
    return None if problem is None else f"the value{problem[0]} {problem[1]}"


def is_typed_dict(annotation: object) -> bool:
    """Say whether an annotation is a TypedDict, of `typing` or of `typing_extensions`."""
    return isinstance(annotation, type) and hasattr(annotation, "__required_keys__")


def is_number_of_numpy(value: object) -> bool:
    """Say whether a value is one of NumPy's scalars, which stand for Python's; NumPy is not imported."""
    return type(value).__module__ == "numpy" and any(
        base.__name__ == "generic" and base.__module__ == "numpy" for base in type(value).__mro__
    )


def _misfit(value: Any, annotation: Any) -> Problem | None:
    annotation = bare(annotation)
    if annotation is Any or annotation is object:
        return None
    origin = get_origin(annotation)
    if origin is None:
        return _plain_misfit(value, annotation)
    if origin is Literal:
        fits = any(type(each) is type(value) and each == value for each in get_args(annotation))
    elif origin is Union or origin is types.UnionType:
        fits = any(_misfit(value, each) is None for each in get_args(annotation))
    elif fits := _is_instance(value, origin):
        return _parts_misfit(value, annotation)
    return None if fits else _wrong(value, annotation)


def _plain_misfit(value: Any, annotation: Any) -> Problem | None:
    if isinstance(annotation, TypeVar):
        bounds = annotation.__constraints__ or (annotation.__bound__ or Any,)
        return _misfit(value, Union[bounds])  # noqa: UP007 - made of a tuple
    if is_typed_dict(annotation):
        return _typed_dict_misfit(value, annotation)
    if not isinstance(annotation, type):
        return None
    if not _is_instance(value, annotation):
        return _wrong(value, annotation)
    if issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        hints = _hints(annotation)
        named = zip(annotation._fields, value, strict=False)
        return _first((_Place(f".{name}"), each, hints.get(name, Any)) for name, each in named)
    return None


def _parts_misfit(value: Any, annotation: Any) -> Problem | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple and hasattr(annotation, "__args__"):
        return _tuple_misfit(value, arguments)
    if not arguments or not isinstance(value, Collection) or isinstance(value, str | bytes):
        return None
    if isinstance(value, Mapping) and len(arguments) == 2:  # noqa: PLR2004 - key and value
        keys, values = arguments
        return (
            None if _quick(value, keys) else _first((_Place(f", key {key!r},"), key, keys) for key in value)
        ) or (
            None
            if _quick(value.values(), values)
            else _first((key, each, values) for key, each in value.items())
        )
    if len(arguments) == 1 and origin.__module__ in {"builtins", "collections", "collections.abc"}:
        return _all_misfit(value, arguments[0])
    return None


def _tuple_misfit(value: tuple[Any, ...], arguments: tuple[Any, ...]) -> Problem | None:
    if arguments[-1:] == (Ellipsis,):
        return _all_misfit(value, arguments[0])
    if len(value) != len(arguments):
        return "", f"has {len(value)} elements, declared {len(arguments)}"
    return _first((number, *pair) for number, pair in enumerate(zip(value, arguments, strict=True)))


def _typed_dict_misfit(value: Any, annotation: Any) -> Problem | None:
    if not isinstance(value, dict):
        return _wrong(value, annotation)
    hints = _hints(annotation)
    # Where annotations are texts, the class itself does not see NotRequired (Python 3.11).
    optional = {key for key, each in hints.items() if get_origin(each) is NotRequired}
    if lacking := sorted(annotation.__required_keys__ - optional - value.keys()):
        return "", f"lacks {lacking[0]!r} of {type_name(annotation)}"
    if unknown := [key for key in value if key not in hints]:
        return "", f"has {unknown[0]!r}, which {type_name(annotation)} has not"
    return _first((key, each, hints[key]) for key, each in value.items())


def _all_misfit(values: Collection[Any], annotation: Any) -> Problem | None:
    if _quick(values, annotation):
        return None
    return _first((number, each, annotation) for number, each in enumerate(values))


def _quick(values: Collection[Any], annotation: Any) -> bool:
    """Say whether it is seen without a look at each that all values fit."""
    if annotation is Any or annotation is object:
        return True
    simple = isinstance(annotation, type) and annotation in _SIMPLE
    return simple and set(map(type, values)) <= {annotation}


def _first(parts: Iterable[tuple[Any, Any, Any]]) -> Problem | None:
    """Return the first problem of parts, which are given as place or key, value and annotation.

    Places are put together on the way back, so that they cost nothing where all is well.
    """
    for key, value, annotation in parts:
        if (problem := _misfit(value, annotation)) is not None:
            place = key if isinstance(key, _Place) else f"[{key!r}]"
            return f"{place}{problem[0]}", problem[1]
    return None


def _is_instance(value: object, cls: Any) -> bool:
    if is_number_of_numpy(value):
        value = value.item() if cls in {int, float, complex, bool, str} else value  # type: ignore[attr-defined]
    try:
        return isinstance(value, _TOWER.get(cls, cls))
    except TypeError:  # a protocol, or something else that only type checkers understand
        return True


@lru_cache(maxsize=256)
def _hints(annotation: Any) -> dict[str, Any]:
    try:
        return get_type_hints(annotation, include_extras=True)
    except NameError:  # names that only existed where the class was made
        return {}


def _wrong(value: object, annotation: Any) -> Problem:
    found = class_name(type(value)).removeprefix("builtins.")
    return "", f"is {found!r}, declared {type_name(annotation)!r}"

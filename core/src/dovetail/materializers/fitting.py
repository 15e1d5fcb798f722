"""Whether a value is what an annotation says, and if not, where it is not."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from itertools import islice
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


def misfit(value: Any, annotation: Any, place: str = "the value") -> str | None:
    """Return what is wrong where (`the value['a'][3] is 'str', declared 'int'`), None where nothing is.

    What an annotation cannot say at run time (a protocol, a callable's signature, the fields of a user's
    class) is not looked at.
    """
    annotation = bare(annotation)
    if annotation is Any or annotation is object:
        return None
    origin = get_origin(annotation)
    if origin is None:
        return _plain_misfit(value, annotation, place)
    if origin is Literal:
        fits = any(type(each) is type(value) and each == value for each in get_args(annotation))
        return None if fits else _wrong(value, annotation, place)
    if origin is Union or origin is types.UnionType:
        fits = any(misfit(value, each, place) is None for each in get_args(annotation))
        return None if fits else _wrong(value, annotation, place)
    if _is_instance(value, origin):
        return _parts_misfit(value, annotation, place)
    return _wrong(value, annotation, place)


def is_typed_dict(annotation: object) -> bool:
    """Say whether an annotation is a TypedDict, of `typing` or of `typing_extensions`."""
    return isinstance(annotation, type) and hasattr(annotation, "__required_keys__")


def is_number_of_numpy(value: object) -> bool:
    """Say whether a value is one of NumPy's scalars, which stand for Python's; NumPy is not imported."""
    return type(value).__module__ == "numpy" and any(
        base.__name__ == "generic" and base.__module__ == "numpy" for base in type(value).__mro__
    )


def _plain_misfit(value: Any, annotation: Any, place: str) -> str | None:
    if isinstance(annotation, TypeVar):
        bounds = annotation.__constraints__ or (annotation.__bound__ or Any,)
        return misfit(value, Union[bounds], place)  # noqa: UP007 - made of a tuple
    if is_typed_dict(annotation):
        return _typed_dict_misfit(value, annotation, place)
    if not isinstance(annotation, type):
        return None
    if not _is_instance(value, annotation):
        return _wrong(value, annotation, place)
    if issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        hints = _hints(annotation)
        pairs = zip(annotation._fields, value, strict=False)
        return _first(misfit(each, hints.get(name, Any), f"{place}.{name}") for name, each in pairs)
    return None


def _parts_misfit(value: Any, annotation: Any, place: str) -> str | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple and hasattr(annotation, "__args__"):
        return _tuple_misfit(value, arguments, place)
    if not arguments or not isinstance(value, Collection) or isinstance(value, str | bytes):
        return None
    if isinstance(value, Mapping) and len(arguments) == 2:  # noqa: PLR2004 - key and value
        return _all_misfit(value, arguments[0], f"a key of {place}") or _first(
            misfit(each, arguments[1], f"{place}[{key!r}]") for key, each in _suspects(value, arguments[1])
        )
    if len(arguments) == 1 and origin.__module__ in {"builtins", "collections", "collections.abc"}:
        return _all_misfit(value, arguments[0], place)
    return None


def _tuple_misfit(value: tuple[Any, ...], arguments: tuple[Any, ...], place: str) -> str | None:
    if arguments[-1:] == (Ellipsis,):
        return _all_misfit(value, arguments[0], place)
    if len(value) != len(arguments):
        return f"{place} has {len(value)} elements, declared {len(arguments)}"
    pairs = enumerate(zip(value, arguments, strict=True))
    return _first(misfit(each, declared, f"{place}[{number}]") for number, (each, declared) in pairs)


def _typed_dict_misfit(value: Any, annotation: Any, place: str) -> str | None:
    if not isinstance(value, dict):
        return _wrong(value, annotation, place)
    hints = _hints(annotation)
    # Where annotations are texts, the class itself does not see NotRequired (Python 3.11).
    optional = {key for key, each in hints.items() if get_origin(each) is NotRequired}
    if lacking := sorted(annotation.__required_keys__ - optional - value.keys()):
        return f"{place} lacks {lacking[0]!r} of {type_name(annotation)}"
    if unknown := [key for key in value if key not in hints]:
        return f"{place} has {unknown[0]!r}, which {type_name(annotation)} has not"
    return _first(misfit(each, hints[key], f"{place}[{key!r}]") for key, each in value.items())


def _all_misfit(values: Collection[Any], annotation: Any, place: str) -> str | None:
    if _is_simple(annotation) and set(map(type, values)) <= {annotation}:
        return None
    pairs = enumerate(values)
    return _first(misfit(each, annotation, f"{place}[{number}]") for number, each in pairs)


def _is_simple(annotation: object) -> bool:
    return isinstance(annotation, type) and annotation in _SIMPLE


def _suspects(value: Mapping[Any, Any], annotation: Any) -> Any:
    quick = _is_simple(annotation) and set(map(type, value.values())) <= {annotation}
    return () if quick else value.items()


def _first(problems: Any) -> str | None:
    return next(islice(filter(None, problems), 1), None)


def _is_instance(value: object, cls: Any) -> bool:
    if is_number_of_numpy(value):
        value = value.item() if cls in {int, float, complex, bool, str} else value  # type: ignore[attr-defined]
    try:
        return isinstance(value, _TOWER.get(cls, cls))
    except TypeError:  # a protocol, or something else that only type checkers understand
        return True


def _hints(annotation: Any) -> dict[str, Any]:
    try:
        return get_type_hints(annotation, include_extras=True)
    except NameError:  # names that only existed where the class was made
        return {}


def _wrong(value: object, annotation: Any, place: str) -> str:
    found = class_name(type(value)).removeprefix("builtins.")
    return f"{place} is {found!r}, declared {type_name(annotation)!r}"

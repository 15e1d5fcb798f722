"""Names of types as plans, manifests and announcements write them; nothing is imported to get them."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    ForwardRef,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
)

_NOTHING: Mapping[str, str] = {}
# Where Python 3.13 keeps what users import from elsewhere.
_MOVED = {"pathlib._local": "pathlib"}
_TRANSPARENT = {Annotated, ClassVar, Final, Required, NotRequired}


def bare(annotation: Any) -> Any:
    """Return the type below what only adds to it: `Annotated`, a NewType, a type alias, `Required`."""
    while True:
        if get_origin(annotation) in _TRANSPARENT:
            annotation = get_args(annotation)[0]
        elif (target := getattr(annotation, "__supertype__", None)) is not None:
            annotation = target
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return types.NoneType if annotation is None else annotation


def public_module(module: str) -> str:
    """Return under which name others find a module: that of `__main__` is its file's stem.

    A program started by `python -m package.module` keeps that name; a notebook or console has no file,
    and stays `__main__`.
    """
    if module != "__main__":
        return _MOVED.get(module, module)
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if isinstance(name, str) and not name.endswith("__main__"):
        return name
    file = getattr(main, "__file__", None)
    return PurePath(file).stem if isinstance(file, str) and not file.startswith("<") else module


def class_name(cls: type) -> str:
    """Return `module.qualname` of a class; built-in ones are `builtins.int` here."""
    return f"{public_module(cls.__module__)}.{cls.__qualname__}"


def class_names(cls: type) -> Iterator[str]:
    """Yield the names of a class and its bases, nearest first, without `object`."""
    for base in cls.__mro__[:-1]:
        yield class_name(base)


def type_name(annotation: Any, names: Mapping[str, str] = _NOTHING) -> str:
    """Return an annotation as text: `int`, `list[float]`, `pandas.DataFrame | None`.

    `names` maps names that a class has had to the one to write.
    """
    annotation = bare(annotation)
    if isinstance(annotation, list):
        return f"[{_joined(annotation, names)}]"
    origin = get_origin(annotation)
    if origin is None:
        return _plain(annotation, names)
    arguments = get_args(annotation)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is Union or origin is types.UnionType:
        return " | ".join(type_name(each, names) for each in arguments)
    return f"{type_name(origin, names)}[{_joined(arguments, names) or '()'}]"


def _joined(arguments: tuple[Any, ...] | list[Any], names: Mapping[str, str]) -> str:
    return ", ".join(type_name(each, names) for each in arguments)


def _plain(annotation: Any, names: Mapping[str, str]) -> str:
    if annotation is types.NoneType:
        return "None"
    if isinstance(annotation, type):
        name = class_name(annotation)
        # `Any` is a class from Python 3.11 on.
        return names.get(name, name).removeprefix("builtins.").removeprefix("typing.")
    if isinstance(annotation, str | ForwardRef):
        return annotation if isinstance(annotation, str) else annotation.__forward_arg__
    if annotation is Ellipsis:
        return "..."
    return str(getattr(annotation, "__name__", None) or annotation).removeprefix("typing.")

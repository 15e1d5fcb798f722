"""Values that exist only in memory, of closures and notebooks, as plain structures to take digests of."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import logging
import pathlib
import re
import uuid
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from dovetail.definition.step import StepDefinition, StepInstance
from dovetail.materializers.type_names import class_name, public_module
from dovetail.planning.held_files import is_open_file

LOCAL = "<locals>"
"""Stands in the name of what was made inside a function."""


class UnreadableValueError(Exception):
    """A value has no structure that could be told from that of another; the text says which and why."""


class LiveValues:
    """Turns values into tuples, texts and numbers; `reached` are the functions and classes met on the way."""

    def __init__(self) -> None:
        self.reached: list[Any] = []
        self._open: set[int] = set()

    def structure(self, value: Any) -> Any:  # noqa: ANN401 - any value
        """Return the structure of `value`: equal for equal values, in every process.

        Raises:
            UnreadableValueError: it has none.
        """
        kind = type(value)
        if value is None or kind in _PLAIN:
            return value
        if id(value) in self._open:
            if isinstance(value, _CODE):  # a local function that calls itself
                return self._name_of(value)
            raise UnreadableValueError("it contains itself")
        self._open.add(id(value))
        try:
            return self._inside(value, kind)
        except RecursionError as error:
            raise UnreadableValueError("it is nested too deep") from error
        finally:
            self._open.discard(id(value))

    def _inside(self, value: Any, kind: type) -> Any:  # noqa: ANN401 - any value
        if kind in _CONTAINERS:
            return _CONTAINERS[kind](map(self.structure, value.items() if kind is dict else value))
        if isinstance(value, StepDefinition | StepInstance | _CODE):
            return self._code(value)
        if kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "tobytes"):
            return self._array(value)
        for cls, read in _KNOWN:
            if isinstance(value, cls):
                return (class_name(kind), self.structure(read(value)))
        return self._fields(value, kind)

    def _code(self, value: Any) -> Any:  # noqa: ANN401 - code of any kind
        if isinstance(value, StepInstance):
            return ("step", self._code(value.definition), self.structure(dict(value.bound)))
        if isinstance(value, MethodType):
            return ("method", self.structure(value.__self__), value.__name__)
        if isinstance(value, ModuleType):
            return ("module", public_module(value.__name__))
        source = value.source if isinstance(value, StepDefinition) else value
        self.reached.append(source)
        functions = functions_of(source) if LOCAL in str(getattr(source, "__qualname__", "")) else ()
        held = [(each.__qualname__, self.structure(tuple(captured(each)))) for each in functions]
        return (*self._name_of(source), tuple(held))

    def _name_of(self, source: Any) -> tuple[str, str, str]:  # noqa: ANN401 - code of any kind
        module, name = getattr(source, "__module__", None), getattr(source, "__qualname__", None)
        return ("code", public_module(str(module)), str(name))

    def _array(self, value: Any) -> Any:  # noqa: ANN401 - an array
        if getattr(value.dtype, "hasobject", True):
            raise UnreadableValueError("it is an array of objects")
        return (class_name(type(value)), str(value.dtype.descr), tuple(value.shape), value.tobytes())

    def _fields(self, value: Any, kind: type) -> Any:  # noqa: ANN401 - any object
        """Return class, attributes and contents of an object that is nothing but those."""
        name = class_name(kind)
        if is_open_file(value):
            raise UnreadableValueError(f"it is a {name}, an open file, whose contents are no part of it")
        known = dataclasses.is_dataclass(value) or hasattr(kind, "model_fields")
        if not known and any(getattr(kind, each) is not getattr(object, each) for each in _OWN_STATE):
            raise UnreadableValueError(f"it is a {name}, which has a state of its own")
        base = next((each for each in _BASES if isinstance(value, each)), None)
        slots = [each for cls in kind.__mro__ for each in _slots(cls)]
        if base is None and not slots and not hasattr(value, "__dict__"):
            raise UnreadableValueError(f"it is a {name}, which has no attributes")
        self.reached.append(kind)
        found = {each: getattr(value, each) for each in slots if hasattr(value, each)}
        attributes = {**getattr(value, "__dict__", {}), **found}
        return (name, self.structure(attributes), None if base is None else self.structure(base(value)))


def captured(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function made inside another one has from around it: names with values, and defaults."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            if name != "__class__":
                yield name, cell.cell_contents
        except ValueError:  # it has no value yet
            continue
    defaults = (function.__defaults__ or (), function.__kwdefaults__ or {})
    if any(defaults):
        yield "defaults", defaults


def functions_of(code: Any) -> Iterator[FunctionType]:  # noqa: ANN401 - code of any kind
    """Yield a function itself, without its wrappers the functions of a class, in the order of their names."""
    if isinstance(code, FunctionType):
        yield code
    elif isinstance(code, type):
        for _, value in sorted(vars(code).items()):
            accessors = (value.fget, value.fset, value.fdel) if isinstance(value, property) else (value,)
            for each in accessors:
                function = getattr(each, "__func__", each)
                if isinstance(function, FunctionType):
                    yield function


# Tagged, and hashable, so that they may stand in sets; `hashing` tells 1 from True from 1.0.
_CONTAINERS: dict[type, Callable[[Any], Any]] = {
    list: lambda items: ("list", tuple(items)),
    tuple: lambda items: ("tuple", tuple(items)),
    set: lambda items: ("set", frozenset(items)),
    frozenset: lambda items: ("set", frozenset(items)),
    dict: lambda items: ("dict", frozenset(items)),
}
_PLAIN = {bool, int, float, str, bytes}
_CODE = FunctionType | BuiltinFunctionType | MethodType | ModuleType | type
_BASES: tuple[Any, ...] = (int, float, str, bytes, list, tuple, dict, set, frozenset)
_OWN_STATE = ("__reduce_ex__", "__reduce__", "__getstate__")
_KNOWN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: value.name),
    (
        dt.date | dt.time | dt.timedelta | decimal.Decimal | fractions.Fraction | uuid.UUID | complex,
        str,
    ),
    (pathlib.PurePath, str),
    (re.Pattern, lambda value: (value.pattern, value.flags)),
    (range, lambda value: (value.start, value.stop, value.step)),
    (logging.Logger, lambda value: value.name),
    (functools.partial, lambda value: (value.func, value.args, value.keywords)),
)


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    return [each for each in names if each not in {"__dict__", "__weakref__"}]

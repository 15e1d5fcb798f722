"""Open files that hide in values: in containers, in attributes, in wrappers of the standard library."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

_WRAPPERS_OF_FILES = {"tempfile", "codecs"}
# What has nothing inside, is seen as code, or only writes.
_PASSED_BY = (
    *(int, float, str, bytes, complex, NoneType),
    *(ModuleType, FunctionType, BuiltinFunctionType, MethodType, type),
    *(logging.Logger, logging.Handler),
)
# Of a container with more, the rest is not looked at: a table of data, not of files.
_LOOKED_AT = 10_000


def is_open_file(value: object) -> bool:
    """Say whether a value is a stream, or the standard library's wrapper of one."""
    # The type is asked, not the value: a proxy would answer for what it stands for, or fail to.
    if issubclass(type(value), io.IOBase):
        return True
    wraps = type(value).__module__ in _WRAPPERS_OF_FILES
    return wraps and any(isinstance(each, io.IOBase) for each in getattr(value, "__dict__", {}).values())


def held_file(value: object) -> str | None:
    """Say how a value has to do with an open file: it `is` one, or it `holds` one; None where it has not.

    Standard output and error do not count, they are only written to.
    """
    standard = {id(each) for each in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)}
    pending: list[object] = [value]
    seen: set[int] = set()
    while pending and len(seen) < _LOOKED_AT:
        each = pending.pop()
        if id(each) in seen or id(each) in standard or _is_passed_by(type(each)):
            continue
        seen.add(id(each))
        if is_open_file(each):
            return "is" if each is value else "holds"
        pending.extend(_inside(each))
    return None


def _is_passed_by(kind: type) -> bool:
    # A step knows the module it was made in, with all that is there.
    return issubclass(kind, _PASSED_BY) or str(kind.__module__).partition(".")[0] == "dovetail"


def _inside(value: Any) -> Iterable[object]:  # noqa: ANN401 - any value
    kind = type(value)
    if issubclass(kind, dict):
        found = [*value.keys(), *value.values()] if len(value) <= _LOOKED_AT else []
    elif issubclass(kind, list | tuple | set | frozenset):
        found = list(value) if len(value) <= _LOOKED_AT else []
    else:
        found = []
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return found
    return [*found, *attributes.values()] if isinstance(attributes, dict) else found

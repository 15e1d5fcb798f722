"""Pickles that say the same whether a script runs as `__main__` or is imported: names of its classes."""

from __future__ import annotations

import pickle
import pkgutil
import sys
from functools import reduce
from types import FunctionType, ModuleType
from typing import Any, BinaryIO

import cloudpickle

from dovetail.materializers.type_names import public_module

MAIN = "__main__"
_ABSENT = object()


class ScriptPickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no annotations
    """Refers to the classes and functions of a script by name, as the processes of steps do.

    What no file defines, in a notebook, say, is pickled by value.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, protocol=5)
        self._main = sys.modules.get(MAIN)
        self._public = public_module(MAIN)

    def reducer_override(self, obj: Any) -> Any:
        """Return how a class, function or module is pickled."""
        if self._public != MAIN and (path := self._path(obj)) is not None:
            # It makes this of the name wherever the script can be imported, without Dovetail as well.
            return pkgutil.resolve_name, (f"{self._public}:{path}",)
        return super().reducer_override(obj)

    def _path(self, obj: Any) -> str | None:
        """Return by which name the running script has the object, empty for itself, None where it is not."""
        if isinstance(obj, ModuleType):
            return "" if obj is self._main else None
        if not isinstance(obj, type | FunctionType) or obj.__module__ != MAIN:
            return None
        path = obj.__qualname__
        return path if _attribute(self._main, path) is obj else None


class ScriptUnpickler(pickle.Unpickler):
    """Finds what the running script defines in the script itself, instead of importing it once more."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what a pickle names."""
        if (module, name) == (pkgutil.__name__, pkgutil.resolve_name.__name__):
            return self._resolved
        if module == public_module(MAIN):
            found = _attribute(sys.modules.get(MAIN), name)
            if found is not _ABSENT:
                return found
        return super().find_class(module, name)

    def _resolved(self, name: str) -> Any:
        module, colon, path = name.partition(":")
        if path:
            return self.find_class(module, path)
        if colon and module == public_module(MAIN):
            return sys.modules[MAIN]
        return pkgutil.resolve_name(name)


def _attribute(start: object, path: str) -> Any:
    return reduce(lambda found, part: getattr(found, part, _ABSENT), path.split("."), start)

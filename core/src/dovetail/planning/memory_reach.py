"""What a function or class in memory reaches: its place in a file, closures, bases, cells of a notebook."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from dovetail.definition.step import step
from dovetail.hashing import digest_value
from dovetail.materializers.type_names import public_module
from dovetail.planning.held_files import held_file
from dovetail.planning.live_values import LOCAL, LiveValues, UnreadableValueError, captured, functions_of
from dovetail.planning.name_reach import NameReach
from dovetail.planning.project_modules import ProjectModules
from dovetail.planning.source_file import Part, SourceFile
from dovetail.planning.syntax import Target

UNHASHABLE = "unhashable:"
"""Begins the digest of a part that has none; the rest says why. A step with such a part has no cache key."""

_NO_SOURCE = f"{UNHASHABLE}it was typed into a console that keeps no source"


class MemoryReach:
    """One walk from objects over all that they reach; `names` does the part of it that is read in files."""

    def __init__(self, modules: ProjectModules) -> None:
        self.names = NameReach(modules)
        self._modules = modules
        self._pending: list[Any] = []
        self._seen: dict[int, object] = {}
        self._cells: list[SourceFile] | None = None
        self._several: dict[str, set[str]] = {}

    def add(self, value: Any) -> None:  # noqa: ANN401 - code in memory
        """Reach a function or class."""
        if id(value) not in self._seen:
            self._seen[id(value)] = value
            self._pending.append(value)

    def parts(self) -> dict[str, str]:
        """Walk, and return each part with its digest, sorted."""
        while self._pending:
            value = self._pending.pop()
            if inspect.isclass(value):
                self._class(value)
            elif isinstance(plain := inspect.unwrap(value), FunctionType):
                self._function(plain)
                if LOCAL in plain.__qualname__:
                    self._wrappers(value, plain)
        self.names.walk()
        for label in self.names.parts:
            if (how := held_file(_in_module(label))) is not None:
                self.names.parts[label] = (
                    f"{UNHASHABLE}it {how} an open file, whose contents are no part of it"
                )
        return dict(sorted(self.names.parts.items()))

    def _function(self, function: FunctionType) -> None:
        module, name = public_module(function.__module__ or ""), function.__qualname__
        if self._has_file(module):
            self.names.add(module, name.partition(".")[0])
            if LOCAL in name:
                self._captured(function, f"{module}:{name}")
        elif not Path(function.__code__.co_filename).is_file():
            self._captured(function, f"{module}:{name}")
            text = "".join(linecache.getlines(function.__code__.co_filename))
            cell = _parsed(text, function.__globals__)
            part = cell.statement_at(function.__code__.co_firstlineno) if cell is not None else None
            self._take_cell(f"{module}:{name}", part, function.__globals__)

    def _class(self, cls: type) -> None:
        module, name = public_module(cls.__module__), cls.__qualname__
        if self._has_file(module):
            self.names.add(module, name.partition(".")[0])
        elif module == "__main__":
            names = vars(sys.modules[cls.__module__])
            part = next((cell.part(name) for cell in self._notebook(names) if name in cell), None)
            self._take_cell(f"{module}:{name}", part, names)
        else:
            return
        for base in cls.__mro__[1:]:
            self.add(base)
        if LOCAL in name:
            for function in functions_of(cls):
                self.add(function)

    def _wrappers(self, function: Any, plain: FunctionType) -> None:  # noqa: ANN401 - of any kind
        """Take what the decorators around a function hold that was made inside another one."""
        depth = 0
        while function is not plain:
            if isinstance(function, FunctionType):
                self._captured(function, f"{public_module(plain.__module__)}:{plain.__qualname__}@{depth}")
            function = function.__wrapped__
            depth += 1

    def _captured(self, function: FunctionType, label: str) -> None:
        """Take what a function made inside another one holds: its closure and its defaults."""
        for name, held in captured(function):
            self._value(f"{label}({name})", held)

    def _take_cell(self, label: str, part: Part | None, names: Mapping[str, Any]) -> None:
        """Take a statement of a notebook; the names it reads are looked up in memory."""
        if part is None:
            self.names.parts[label] = _NO_SOURCE
            return
        self.names.parts[label] = part.digest
        inner = dict(part.inner)
        for target in inner.values():
            if target.attribute is not None:
                self.names.follow(target, ())
        for each in part.whole:
            self.names.follow(Target(each), ())
        for chain in part.chains:
            if chain[0] in inner:
                self.names.follow(inner[chain[0]], chain[1:])
            elif isinstance(value := names.get(chain[0], _MISSING), ModuleType):
                self.names.parts[f"__main__:{chain[0]}"] = digest_value(value.__name__)
                self.names.follow(Target(value.__name__), chain[1:])
            elif value is not _MISSING:
                self._value(f"__main__:{chain[0]}", value)

    def _value(self, label: str, value: Any) -> None:  # noqa: ANN401 - any value
        reader = LiveValues()
        try:
            digest = digest_value(reader.structure(value))
        except UnreadableValueError as error:
            digest = f"{UNHASHABLE}{error}"
        known = self.names.parts.setdefault(label, digest)
        if digest not in {known, *self._several.get(label, ())}:
            # Two functions that one line made: neither may hide the other.
            self._several.setdefault(label, {known}).add(digest)
            refused = sorted(each for each in self._several[label] if each.startswith(UNHASHABLE))
            self.names.parts[label] = refused[0] if refused else digest_value(self._several[label])
        for each in reader.reached:
            self.add(each)

    def _has_file(self, module: str) -> bool:
        file = self._modules.find(module)
        return file is not None and file.source is not None

    def _notebook(self, names: Mapping[str, Any]) -> list[SourceFile]:
        """Return the cells that are kept, the latest first."""
        if self._cells is None:
            kept = [name for name in reversed(list(linecache.cache)) if not Path(name).is_file()]
            cells = [_parsed("".join(linecache.getlines(name)), names) for name in kept]
            self._cells = [cell for cell in cells if cell is not None]
        return self._cells


_MISSING = object()


def _in_module(label: str) -> Any:  # noqa: ANN401 - any value
    """Return what a module that is loaded has under the name of a part; of a whole module, all it holds."""
    name, _, attribute = label.partition(":")
    main = sys.modules.get("__main__")
    module = main if public_module("__main__") == name else sys.modules.get(name)
    if not isinstance(module, ModuleType):
        return None
    if attribute:
        return vars(module).get(attribute)
    return [each for name, each in list(vars(module).items()) if not name.startswith("__")]


def _parsed(text: str, names: Mapping[str, Any]) -> SourceFile | None:
    """Return a cell that is executed in a module of these names."""
    ours = {name for name, value in names.items() if value is step or value is sys.modules.get("dovetail")}
    try:
        return SourceFile(text, "__main__", package=False, ours=frozenset(ours)) if text else None
    except (SyntaxError, ValueError):
        return None

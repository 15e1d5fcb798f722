"""What a name of a module reaches in files: functions, classes, constants, modules, import by import."""

from __future__ import annotations

import builtins

from dovetail.planning.project_modules import ProjectModules
from dovetail.planning.source_file import Part, SourceFile
from dovetail.planning.syntax import Chain, Target

_GIVEN = {
    "__name__", "__file__", "__doc__", "__path__", "__package__", "__spec__", "__builtins__", "__loader__",
}  # fmt: skip
_ALL = "*"


class NameReach:
    """One walk over names; a work list, no recursion. `parts` maps what was reached to its digest."""

    def __init__(self, modules: ProjectModules) -> None:
        self.parts: dict[str, str] = {}
        self._modules = modules
        self._pending: list[tuple[str, str]] = []
        self._seen: set[tuple[str, str]] = set()
        self._followed: set[tuple[str, Chain]] = set()

    def add(self, module: str, name: str) -> None:
        """Reach a name of a module."""
        if (module, name) not in self._seen:
            self._seen.add((module, name))
            self._pending.append((module, name))

    def walk(self) -> None:
        """Reach whatever is left to be reached."""
        while self._pending:
            module, name = self._pending.pop()
            source = self._source(module)
            if source is None:
                continue
            if name == _ALL:
                self._take(module, module, source.whole())
            elif name in source:
                self._take(f"{module}:{name}", module, source.part(name))
            elif name not in _GIVEN and not hasattr(builtins, name):
                self.add(module, _ALL)

    def uses(self, part: Part, module: str) -> None:
        """Reach what a part of a module names."""
        inner = dict(part.inner)
        for target in inner.values():
            if target.attribute is not None:
                self.follow(target, ())
        for each in part.whole:
            self.follow(Target(each), ())
        for chain in part.chains:
            if chain[0] in inner:
                self.follow(inner[chain[0]], chain[1:])
            else:
                self.follow(Target(module), chain)

    def follow(self, target: Target, rest: Chain) -> None:
        """Reach what an import names, with the attributes that code takes of it."""
        pending = [(target.module, rest if target.attribute is None else (target.attribute, *rest))]
        while pending:
            module, chain = step = pending.pop()
            file = self._modules.find(module)
            if file is None or step in self._followed:
                continue
            self._followed.add(step)
            source = file.source
            if not chain or chain[0] == _ALL:
                self.add(module, _ALL)
            elif source is not None and chain[0] in source:
                self.add(module, chain[0])
                for each in source.part(chain[0]).targets:
                    named = () if each.attribute is None else (each.attribute,)
                    pending.append((each.module, (*named, *chain[1:])))
            elif file.search is not None and self._modules.find(f"{module}.{chain[0]}") is not None:
                pending.append((f"{module}.{chain[0]}", chain[1:]))
            elif source is not None and (stars := self._stars(module, source, chain[0])):
                pending.extend((each, chain) for each in stars)
            else:
                self.add(module, chain[0])

    def _take(self, label: str, module: str, part: Part) -> None:
        self.parts[label] = part.digest
        if part.dynamic:
            self.add(module, _ALL)
        self.uses(part, module)

    def _source(self, module: str) -> SourceFile | None:
        file = self._modules.find(module)
        return None if file is None else file.source

    def _stars(self, module: str, source: SourceFile, name: str) -> list[str]:
        """Return the modules of the project from which `from ... import *` may bring a name.

        What decides between them counts too: their `__all__`, and the module of a star that brings more than
        can be read here.
        """
        pending, visited, found = list(source.stars), set[str](), list[str]()
        while pending:
            each = pending.pop()
            if each in visited:
                continue
            visited.add(each)
            other = self._source(each)
            if other is None:
                self.add(module, _ALL)
                continue
            if name in other:
                found.append(each)
                if "__all__" in other:
                    self.add(each, "__all__")
            pending.extend(other.stars)
        return found

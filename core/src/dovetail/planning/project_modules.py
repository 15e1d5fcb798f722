"""Modules of the project: their files, found without importing them, and whether they are the user's code."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path

from dovetail.materializers.type_names import public_module
from dovetail.planning.source_file import SourceFile, source_file

_INSTALLED = ("site-packages", "dist-packages")
_LIBRARIES = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module of the project: its file (None for a namespace package), its submodules' place, its code."""

    name: str
    path: Path | None
    search: tuple[str, ...] | None
    source: SourceFile | None = None


class ProjectModules:
    """Finds modules whose files lie below `root` and are not installed packages.

    Modules of the top-level package `admitted` count as well, wherever they are.
    """

    def __init__(self, root: Path, admitted: str = "") -> None:
        self.root = root.resolve()
        self._admitted = admitted
        self._found: dict[str, ModuleFile | None] = {}

    def find(self, name: str) -> ModuleFile | None:
        """Return the module's file, None where it is not the project's."""
        if name not in self._found:
            place = _place(name)
            self._found[name] = _parsed(place) if place is not None and self._is_ours(place) else None
        return self._found[name]

    def relative(self, path: Path) -> str | None:
        """Return a file's path below the root in POSIX form, None where it is not there, or is installed."""
        inside = next((each for each in (path.resolve(), path.absolute()) if self._below(each)), None)
        return None if inside is None else inside.relative_to(self.root).as_posix()

    def _is_ours(self, place: ModuleFile) -> bool:
        top = place.name.partition(".")[0]
        if top == self._admitted:
            return True
        if top == "dovetail":
            return False
        paths = [place.path] if place.path else [Path(each) for each in place.search or ()]
        # A link in the project to code elsewhere is the project's, as is the code that a link leads to.
        return any(self._below(path.resolve()) or self._below(path.absolute()) for path in paths)

    def _below(self, path: Path) -> bool:
        if not path.is_relative_to(self.root):
            return False
        inside = path.relative_to(self.root).parts
        return not set(_INSTALLED) & set(inside) and not any(
            path.is_relative_to(library) for library in _LIBRARIES if library != self.root
        )


def _place(name: str) -> ModuleFile | None:
    """Return where a module is: as it was imported, or as an import would find it."""
    main = sys.modules.get("__main__")
    module = main if main is not None and public_module("__main__") == name else sys.modules.get(name)
    names = getattr(module, "__dict__", {})
    if "__file__" in names or "__path__" in names:
        search = names.get("__path__")
        return _module_file(name, names.get("__file__"), None if search is None else list(search))
    search_in: Sequence[str] | None = None
    if parent := name.rpartition(".")[0]:
        above = _place(parent)
        if above is None or above.search is None:
            return None
        search_in = above.search
    try:
        spec = PathFinder.find_spec(name, search_in)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None:
        return None
    return _module_file(name, spec.origin if spec.has_location else None, spec.submodule_search_locations)


FIRST_SEEN: dict[str, tuple[object, Path, tuple[int, int] | None]] = {}
"""Of each loaded module its specification, its file, and time and size of that when it was first read."""


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Return time and size of a file, None where it is gone."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _parsed(place: ModuleFile) -> ModuleFile:
    if place.path is None:
        return place
    spec = getattr(sys.modules.get(place.name), "__spec__", None)
    if spec is not None and FIRST_SEEN.get(place.name, (None,))[0] is not spec:
        FIRST_SEEN[place.name] = (spec, place.path, stamp_of(place.path))
    return replace(place, source=source_file(place.path, place.name, package=place.search is not None))


def _module_file(name: str, file: object, search: Sequence[str] | None) -> ModuleFile | None:
    folders = None if search is None else tuple(search)
    if file is None:
        return ModuleFile(name, None, folders) if folders else None
    path = Path(str(file))
    return ModuleFile(name, path, folders) if path.suffix == ".py" and path.is_file() else None

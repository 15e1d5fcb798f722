"""The file of a module: found without importing it, and held against what a plan says."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from dovetail.errors import PlanError
from dovetail.records.plan import SourceRef


def check_module(source: SourceRef, root: Path) -> None:
    """Refuse a step whose module is, by its name, another file than the one its plan says.

    Raises:
        PlanError: it is, or there is no such module.
    """
    found = file_of(source.module)
    if found is None or not same_file(found, root / (source.path or "")):
        where = f"found in {str(found)!r}" if found else "is not found there"
        raise PlanError(
            f"module {source.module!r} was expected in {source.path!r}, {where}",
            hint="start the run from the same source root, or rename one of the two modules",
        )


def file_of(module: str) -> Path | None:
    """Return the file that an import of the module would execute; nothing is imported to find it."""
    if (loaded := sys.modules.get(module)) is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file) if file else None
    name, *rest = module.split(".")
    try:
        spec: ModuleSpec | None = find_spec(name)
        for part in rest:
            name = f"{name}.{part}"
            places = spec.submodule_search_locations if spec else None
            spec = PathFinder.find_spec(name, places) if places else None
    except (ImportError, AttributeError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def same_file(one: str | Path | None, other: Path) -> bool:
    """Say whether two paths lead to one file."""
    return one is not None and Path(one).resolve() == other.resolve()

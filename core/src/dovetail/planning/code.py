"""The code of a step: where it is found again, and a digest of all project code that it statically reaches.

Read from syntax trees, so comments, layout and functions that are not reached do not count. What counts:
the step, functions, classes and constants it names in whatever module of the project, default values,
base classes, decorators (but not the options of `@step`), and what a closure holds. A module counts whole
where a name cannot be resolved in it, where it is used as a value, or where it looks names up by text.
Docstrings count, code can read them.

What is not seen: code reached only by names that are made at run time (`importlib`, `getattr` on an
object), effects of importing a module, installed packages, and data files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dovetail.definition.step import StepDefinition, StepInstance
from dovetail.hashing import digest_value
from dovetail.materializers.type_names import public_module
from dovetail.planning.live_values import LOCAL
from dovetail.planning.memory_reach import UNHASHABLE, MemoryReach
from dovetail.planning.project_modules import ProjectModules
from dovetail.records.plan import SourceRef

_SHELL = re.compile(r"_+|_i*\d*|In|Out")
"""Names by which notebooks and consoles keep earlier results."""


def source_ref(source: Any, root: Path, *also: Any) -> SourceRef:  # noqa: ANN401 - as SourceReader.ref
    """Return where the code of a step is found again, and the digests of all it reaches below `root`."""
    return SourceReader(root).ref(source, *also)


def is_reloadable(source: SourceRef) -> bool:
    """Say whether another process can import what the reference names.

    It cannot where the step was made inside a function and has no name in a module, or in a notebook or
    console.
    """
    return LOCAL not in source.qualname and (source.path is not None or source.module != "__main__")


def why_unhashable(source: SourceRef) -> str | None:
    """Return which part of the code has no digest, and why: no cache key then; None where all have."""
    for part, digest in source.parts.items():
        if digest.startswith(UNHASHABLE):
            return f"{part}: {digest.removeprefix(UNHASHABLE)}"
    return None


class SourceReader:
    """Reads the code of steps, each of them once: for one compilation, while files and modules stay."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, ProjectModules] = {}
        self._known: dict[tuple[int, ...], tuple[object, SourceRef]] = {}

    def ref(self, source: Any, *also: Any) -> SourceRef:  # noqa: ANN401 - a step, a function or a class
        """Return the reference of a step; its parts hold those of the classes `also`."""
        key = (id(source), *map(id, also))
        if key not in self._known:
            self._known[key] = ((source, also), self._read(source, also))
        return self._known[key][1]

    def _read(self, source: Any, also: Iterable[Any]) -> SourceRef:  # noqa: ANN401 - a step, a function or a class
        source = source.definition if isinstance(source, StepInstance) else source
        code = source.source if isinstance(source, StepDefinition) else source
        module, qualname = _reference(source)
        modules = self._modules_of(public_module(code.__module__))
        reach = MemoryReach(modules)
        reach.add(code)
        path = None
        if LOCAL not in qualname:
            reach.names.add(module, qualname.partition(".")[0])
            file = modules.find(module)
            path = modules.relative(file.path) if file is not None and file.path is not None else None
        for each in also:
            reach.add(each)
        parts = reach.parts()
        return SourceRef(
            module=module,
            qualname=qualname,
            path=path,
            # The name too: where the module counts whole, its steps reach the same parts.
            digest=digest_value((qualname, parts)),
            parts=parts,
            also=tuple(sorted(_references(also, modules))),
        )

    def _modules_of(self, module: str) -> ProjectModules:
        """Return the modules that count for a step of `module`: the project's and its own package's."""
        top = module.partition(".")[0]
        if top not in self._modules:
            self._modules[top] = ProjectModules(self._root, top)
        return self._modules[top]


def _references(classes: Iterable[Any], modules: ProjectModules) -> Iterator[str]:
    """Yield how the classes of the project are found again."""
    for each in classes:
        module, name = public_module(each.__module__), each.__qualname__
        if LOCAL not in name and (module == "__main__" or modules.find(module) is not None):
            yield f"{module}:{name}"


def _reference(source: Any) -> tuple[str, str]:  # noqa: ANN401 - a step, a function or a class
    """Return the module and the name by which a step is found, also if that is not its function's."""
    if not isinstance(source, StepDefinition):
        return public_module(source.__module__), source.__qualname__
    plain = str(getattr(source.source, "__qualname__", source.name))
    main = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    for names in (source.home, main):
        for name in _candidates(plain, names):
            if names.get(name) is source or names.get(name) is source.source:
                return public_module(str(names["__name__"])), name
    return public_module(source.source.__module__), plain


def _candidates(plain: str, names: Mapping[str, Any]) -> Iterator[str]:
    if LOCAL not in plain:
        yield plain
    yield from (name for name in list(names) if not _SHELL.fullmatch(name))

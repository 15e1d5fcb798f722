"""Watches the files of the steps' code during a run: what a changed one gives is no hit of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dovetail.execution.attempt.module_file import file_of
from dovetail.execution.progress import Progress
from dovetail.planning.code_places import CodePlaces
from dovetail.records.plan import Plan, SourceRef, StepPlan

_Look = tuple[int, int] | None
"""Time of change and size of a file; None where there is none."""


class CodeWatch:
    """Knows the files that the steps of a plan reach below `root`, as they were when it was made.

    A key is taken of the code as it is planned. A step that imports late, or in a process that starts late,
    may run what a file has become since, and that must not be found under the key of the code before.
    """

    def __init__(self, plan: Plan, root: Path, progress: Progress) -> None:
        sources = {each.source.digest: each.source for each in plan.steps if each.source.digest}
        self._root = root.resolve()
        self._places = CodePlaces(self._root, sources.values())
        self._progress = progress
        self._modules: dict[str, frozenset[str]] = {}
        self._files = {digest: self._files_of(each) for digest, each in sources.items()}
        self._before = {file: _look(file) for files in self._files.values() for file in files}
        self._noted: set[str] = set()

    def key(self, step: StepPlan, key: str) -> str:
        """Return the key to record for a step that has just completed: none where its code has changed."""
        source = step.source.digest
        if not key or all(_look(file) == self._before[file] for file in self._files.get(source, ())):
            return key
        if source not in self._noted:  # once for all steps of one function
            self._noted.add(source)
            self._progress.note(
                f"step {step.name!r}: its code has changed while the run went on, "
                "so its result is no hit for later runs"
            )
        return ""

    def _files_of(self, source: SourceRef) -> frozenset[str]:
        modules = {part.partition(":")[0] for part in source.parts}
        own = {str(self._root / source.path)} if source.path is not None else set()
        return frozenset(own.union(*map(self._files_of_module, modules)))

    def _files_of_module(self, module: str) -> frozenset[str]:
        if module not in self._modules:
            self._modules[module] = frozenset(map(str, self._find(module)))
        return self._modules[module]

    def _find(self, module: str) -> Iterator[Path]:
        """Yield what an import here would execute, and what one with the places of the steps would."""
        if (found := file_of(module)) is not None and (file := found.resolve()).is_relative_to(self._root):
            yield file
        if (inside := self._places.file(module)) is not None:
            yield self._root / inside


def _look(file: str) -> _Look:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

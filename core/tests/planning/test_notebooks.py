"""Code of steps that is in no file: cells, whose source linecache keeps, and consoles that keep none."""

from __future__ import annotations

import linecache
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dovetail.planning.code import is_reloadable, source_ref, why_unhashable
from dovetail.records.plan import SourceRef

CELLS = (
    "from dovetail.definition.step import step\nimport math\nRATE = 2\nUNUSED = 1",
    """
    class Config:
        size = 1
    """,
    """
    def helper(value: float) -> float:
        return value * RATE  # doubled
    def unrelated() -> int:
        return 1
    """,
    """
    @step
    def train(value: int, config: "Config") -> float:
        return helper(value) + math.floor(config.size)
    """,
)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what executes cells as a kernel does: names in `__main__`, which has no file; sources kept."""
    kept = dict(linecache.cache)

    def execute(*cells: str, keep: bool = True) -> ModuleType:
        module = ModuleType("__main__")
        monkeypatch.setitem(__import__("sys").modules, "__main__", module)
        for name in set(linecache.cache) - set(kept):
            del linecache.cache[name]
        for number, cell in enumerate(map(textwrap.dedent, cells)):
            name = f"/tmp/kernel/{id(module)}-{number}.py"
            if keep:
                linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
            exec(compile(cell, name, "exec"), vars(module))  # noqa: S102 - what a kernel does
        return module

    yield execute
    linecache.cache.clear()
    linecache.cache.update(kept)


def ref(notebook: Any, *cells: str, keep: bool = True) -> SourceRef:
    return source_ref(notebook(*cells, keep=keep).train, Path("/nowhere"))


@pytest.mark.parametrize(
    ("cell", "old", "new", "same"),
    [
        (0, "RATE = 2", "RATE = 3", False),
        (1, "size = 1", "size = 2", False),
        (2, "value * RATE", "value - RATE", False),
        (3, "math.floor", "math.ceil", False),
        (0, "UNUSED = 1", "UNUSED = 2", True),
        (2, "# doubled", "# twice", True),
        (2, "return 1", "return 2", True),
    ],
)
def test_cells_count_like_files(notebook: Any, cell: int, old: str, new: str, same: bool) -> None:
    assert old in CELLS[cell]
    changed = [each.replace(old, new) if place == cell else each for place, each in enumerate(CELLS)]
    before, after = ref(notebook, *CELLS), ref(notebook, *changed)
    assert (before.digest == after.digest) is same
    assert why_unhashable(before) is None


def test_how_cells_are_cut_does_not_count(notebook: Any) -> None:
    one = "\n".join(map(textwrap.dedent, CELLS))
    assert ref(notebook, one).digest == ref(notebook, *CELLS).digest


def test_a_cell_exists_in_this_process_only(notebook: Any) -> None:
    found = ref(notebook, *CELLS)
    assert (found.module, found.qualname, found.path) == ("__main__", "train", None)
    assert not is_reloadable(found)


def test_a_console_that_keeps_no_source_has_no_cache_key(notebook: Any) -> None:
    found = ref(notebook, *CELLS, keep=False)
    assert why_unhashable(found) == "__main__:train: it was typed into a console that keeps no source"


def test_a_global_without_a_structure_has_no_cache_key(notebook: Any) -> None:
    cells = (CELLS[0], *CELLS[1:])
    module = notebook(*cells)
    vars(module)["RATE"] = threading.Lock()
    found = source_ref(module.train, Path("/nowhere"))
    assert str(why_unhashable(found)).startswith("__main__:RATE: it is a _thread.lock")

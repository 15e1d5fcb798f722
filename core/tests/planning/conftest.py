"""What tests of planning share: projects of a few files, imported and forgotten again."""

from __future__ import annotations

import importlib
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from dovetail.planning.code import source_ref
from dovetail.records.plan import SourceRef


class Project:
    """A source root whose files a test writes and whose modules it imports afresh."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str]) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def load(self, module: str) -> ModuleType:
        self.forget()
        importlib.invalidate_caches()
        return importlib.import_module(module)

    def forget(self) -> None:
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
            if str(file).startswith(str(self.root)):
                del sys.modules[name]

    def ref(self, files: Mapping[str, str], reference: str = "steps:train") -> SourceRef:
        """Return the reference of a step of a project of these files."""
        self.write(files)
        module, _, name = reference.partition(":")
        return source_ref(getattr(self.load(module), name), self.root)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return an empty project on the path, forgotten at the end. Byte code would hide edits of one second."""
    made = Project(tmp_path_factory.mktemp("project") / "root")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(made.root))
    yield made
    made.forget()

"""Throw-away wheels: installed by hand into a folder on the path, to see how Dovetail meets any plugin."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ANNOUNCES = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("shelf", contract=1, config="{module}_store:Config", implementation="{module}_store:Store")
"""
"""The module of a wheel that announces one flavor; `{module}` stands for its name."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder on the path, in which throw-away wheels are installed by hand."""

    folder: Path

    def wheel(self, name: str, source: str = ANNOUNCES, **options: Any) -> Path:
        """Install a wheel of one announcing module; return the module's file.

        `integration`, `module`, `version` and `files` (name -> text) as given, or after the wheel's name;
        `requires` lists requirements, `readme` is a text, `package` makes the module a typed package, and
        `editable` puts the code elsewhere and says so.
        """
        module = options.get("module", name.replace("-", "_"))
        version = options.get("version", "1.0")
        self.remove(name)
        information = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        code = self.folder / "src" if options.get("editable") else self.folder
        file = f"{module}/__init__.py" if options.get("package") else f"{module}.py"
        files = {file: source.replace("{module}", module), **options.get("files", {})}
        if options.get("package"):
            files.setdefault(f"{module}/py.typed", "")
        for path, text in _information(name, module, version, options).items():
            _write(information / path, text)
        for path, text in files.items():
            _write(code / path, text)
        return code / file

    def remove(self, name: str) -> None:
        """Forget that a wheel is installed; its module stays."""
        for found in self.folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
            shutil.rmtree(found)

    def build(self, name: str, into: Path, **options: Any) -> Path:
        """Build a wheel file instead of installing it."""
        module, version = name.replace("-", "_"), options.get("version", "1.0")
        info = f"{module}-{version}.dist-info"
        files = {
            f"{info}/{path}": text for path, text in _information(name, module, version, options).items()
        }
        files[f"{info}/WHEEL"] = (
            "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files[f"{module}.py"] = options.get("source", ANNOUNCES).replace("{module}", module)
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
        into.mkdir(exist_ok=True)
        with zipfile.ZipFile(into / f"{module}-{version}-py3-none-any.whl", "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return Path(archive.filename or "")


@contextmanager
def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Give an empty folder as a site that this process and its children see.

    What was imported from it is forgotten afterwards.
    """
    source = folder / "src"
    source.mkdir()
    for each in (source, folder):
        monkeypatch.syspath_prepend(each)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(source)]))
    yield Site(folder)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


def _information(name: str, module: str, version: str, options: dict[str, Any]) -> dict[str, str]:
    integration = options.get("integration", name.removeprefix("dovetail-"))
    value = options.get("value", module)
    requires = "".join(f"Requires-Dist: {each}\n" for each in options.get("requires", ()))
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made up\n{requires}"
    files = {
        "METADATA": f"{metadata}\n{options.get('readme', '')}",
        "entry_points.txt": f"[dovetail.integrations]\n{integration} = {value}\n",
    }
    if options.get("editable"):
        files["direct_url.json"] = json.dumps({"url": "file:///x", "dir_info": {"editable": True}})
    return files


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

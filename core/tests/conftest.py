"""What every test of the core gets: a home, a folder and an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Settings of the test run itself, which tests read.
KEPT = {"DOVETAIL_TEST_SIZES", "DOVETAIL_WHEELHOUSE"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with an empty home, and without settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("DOVETAIL_") and name not in KEPT]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DOVETAIL_HOME", str(home))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    # A script that a test executes becomes `__main__`, which multiprocessing runs again in its children.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that has the index of this environment, made once."""
    home = tmp_path_factory.mktemp("surveyed")
    code = "from dovetail.discovery.index import load_index; load_index()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "DOVETAIL_HOME": str(home)}, check=True)
    return home


@pytest.fixture
def indexed(home: Path, surveyed: Path) -> Path:
    """Put the index into this test's home, so that it need not be made again."""
    shutil.copytree(surveyed / "cache", home / "cache")
    return home


ANNOUNCES = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("shelf", contract=1, config="{module}_store:Config", implementation="{module}_store:Store")
"""


@dataclass(frozen=True)
class Site:
    """A folder on the path, in which throw-away wheels are installed by hand."""

    folder: Path

    def wheel(self, name: str, source: str = ANNOUNCES, **options: Any) -> Path:
        """Install a wheel of one announcing module; return the module's file.

        `integration`, `module`, `version` and `files` (name -> text) as given, or after the wheel's name;
        `editable` puts the code elsewhere and says so.
        """
        module = options.get("module", name.replace("-", "_"))
        version = options.get("version", "1.0")
        self.remove(name)
        information = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        code = self.folder / "src" if options.get("editable") else self.folder
        files = {f"{module}.py": source.replace("{module}", module), **options.get("files", {})}
        for path, text in self._information(name, module, version, options).items():
            write(information / path, text)
        for path, text in files.items():
            write(code / path, text)
        return code / f"{module}.py"

    def remove(self, name: str) -> None:
        """Forget that a wheel is installed; its module stays."""
        for found in self.folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
            shutil.rmtree(found)

    def build(self, name: str, into: Path, **options: Any) -> Path:
        """Build a wheel file instead of installing it."""
        module, version = name.replace("-", "_"), options.get("version", "1.0")
        info = f"{module}-{version}.dist-info"
        files = {
            f"{info}/{path}": text for path, text in self._information(name, module, version, options).items()
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

    def _information(self, name: str, module: str, version: str, options: dict[str, Any]) -> dict[str, str]:
        integration = options.get("integration", name.removeprefix("dovetail-"))
        value = options.get("value", module)
        files = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made up\n",
            "entry_points.txt": f"[dovetail.integrations]\n{integration} = {value}\n",
        }
        if options.get("editable"):
            files["direct_url.json"] = json.dumps({"url": "file:///x", "dir_info": {"editable": True}})
        return files


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a folder for throw-away wheels, seen by this process and by its children.

    What was imported from it is forgotten afterwards.
    """
    made = Site(tmp_path_factory.mktemp("site"))
    source = made.folder / "src"
    source.mkdir()
    for folder in (source, made.folder):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(made.folder), str(source)]))
    yield made
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(made.folder)):
            del sys.modules[name]

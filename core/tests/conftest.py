"""What every test of the core gets: a home, a folder and an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.site import Site, on_the_path

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


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a folder for throw-away wheels, seen by this process and by its children.

    What was imported from it is forgotten afterwards.
    """
    with on_the_path(tmp_path_factory.mktemp("site"), monkeypatch) as made:
        yield made


def _until(ask: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.005)
    return answer


@pytest.fixture
def until() -> Callable[[Callable[[], Any], float], Any]:
    """Ask again and again until the answer is true; fail after so many seconds."""
    return _until

"""What every test of the core gets: a home, a folder and an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

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
    monkeypatch.chdir(tmp_path)
    return home

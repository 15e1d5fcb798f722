"""An index-free operator for small things, and a uv that says how often it was called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from dovetail_uv.operator import UvStepOperator
from dovetail_uv.settings import UvStepOperatorConfig


class CountedUv:
    """A program that calls uv and keeps its arguments."""

    def __init__(self, place: Path) -> None:
        self.path = place / "counted-uv"
        self._log = place / "calls"
        self.path.write_text(f'#!/bin/sh\necho "$1 $2" >> {self._log}\nexec {find_uv_bin()} "$@"\n')
        self.path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("DOVETAIL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))


@pytest.fixture
def counted_uv(tmp_path: Path) -> CountedUv:
    return CountedUv(tmp_path)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments that tests share."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., UvStepOperator]:
    """Make an operator."""
    return lambda **settings: UvStepOperator(
        "isolated", UvStepOperatorConfig(**settings), home=Path(settings.pop("home", tmp_path))
    )


@pytest.fixture
def ended() -> Callable[[UvStepOperator, str], Any]:
    """Wait for the end of an attempt."""

    def wait(operator: UvStepOperator, handle: str) -> Any:
        end = operator.wait(handle, 300.0)
        assert end is not None
        return end

    return wait

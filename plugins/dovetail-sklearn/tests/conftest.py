from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import BaseMaterializer
from dovetail.testing.materializer import TrialFiles, kept

# The models of the tests lie beside them.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def files(tmp_path: Path) -> TrialFiles:
    return TrialFiles(tmp_path)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Any]:
    def _keep(materializer: BaseMaterializer, value: object) -> object:
        return kept(materializer, value, tmp_path)

    return _keep

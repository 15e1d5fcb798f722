from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import BaseMaterializer
from dovetail.testing.materializer import TrialFiles, kept


@pytest.fixture
def files(tmp_path: Path) -> TrialFiles:
    return TrialFiles(tmp_path)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Any]:
    def _keep(materializer: BaseMaterializer, value: object) -> object:
        return kept(materializer, value, tmp_path)

    return _keep

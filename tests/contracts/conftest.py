"""Where the faults are, and how much of each contract is run against them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)


@pytest.fixture(scope="session", autouse=True)
def importable() -> None:
    """Let this process import the planted faults, as the processes that run the contracts do."""
    if HERE not in sys.path:
        sys.path.append(HERE)


@pytest.fixture(scope="session")
def whole() -> bool:
    """Say whether every fault meets the whole contract; else only the tests of its own number."""
    return os.environ.get("DOVETAIL_TEST_SIZES") == "full"

"""Where the faults are, how much of each contract is run against them, and the table of what came out."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Keep what the tests counted for the table, where DOVETAIL_CONTRACTS names a file for it."""
    table: dict[str, dict[str, object]] = defaultdict(dict)
    stats = terminalreporter.stats
    for report in (*stats.get("passed", []), *stats.get("failed", [])):
        for name, value in report.user_properties:
            kind, _, what = name.partition(" ")
            table[kind][what] = value
    if file := os.environ.get("DOVETAIL_CONTRACTS"):
        Path(file).write_text(json.dumps(table), encoding="utf-8")

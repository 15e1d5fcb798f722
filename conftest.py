"""What the tests of every wheel share: programs they need, and a count of how real their partners were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from real_servers.presence import program as find_program

KINDS = ("real", "emulated", "standin")


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """Return the path of a program, `program("chromium", "apt-get install chromium")`.

    Where it is missing the test is skipped with the line that installs it; with DOVETAIL_REQUIRE_REAL=1,
    as in continuous integration, it fails.
    """
    return find_program


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how real the partners of the tests were, and what the tests of the guarantees counted."""
    passed = terminalreporter.stats.get("passed", [])
    counts = Counter(kind for report in passed for kind in KINDS if kind in report.keywords)
    if counts:
        terminalreporter.write_line("passed with " + ", ".join(f"{counts[kind]} {kind}" for kind in KINDS))
    told = [
        f"{report.nodeid.rpartition('::')[2]}: {line}"
        for report in (*passed, *terminalreporter.stats.get("failed", []))
        for name, line in report.user_properties
        if name == "count"
    ]
    for line in sorted(told):
        terminalreporter.write_line(line)

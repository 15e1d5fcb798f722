"""A pytest plugin that writes down, line by line, how each test of a trial began and ended."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.trial import number_of

_LONGEST = 400
_REPORTED = "UndeclaredCapabilityWarning"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file of the trial."""
    parser.addoption("--trial", help="the file that says which tests to run, and where to write how they end")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to write where there is a trial."""
    if path := config.getoption("--trial"):
        config.pluginmanager.register(_Clerk(json.loads(Path(path).read_text(encoding="utf-8"))))


class _Clerk:
    """Leaves out what is not asked for, and notes the rest at once: the process may not live to the end."""

    def __init__(self, trial: dict[str, Any]) -> None:
        self._numbers: dict[str, list[int] | None] = trial["numbers"]
        self._done: set[str] = set(trial["done"])
        self._ended: set[str] | None = None if trial["ended"] is None else set(trial["ended"])
        self._file = Path(trial["file"]).open("a", encoding="utf-8")  # noqa: SIM115 - open as long as pytest runs

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the tests of the wanted numbers that have not been run yet."""
        kept = [item for item in items if self._wanted(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    def _wanted(self, item: pytest.Item) -> bool:
        kit, test = place_of(item.nodeid)
        numbers = self._numbers.get(kit)
        if self._ended is not None and kit in self._ended:
            return False
        return f"{kit}::{test}" not in self._done and (numbers is None or number_of(test) in numbers)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note that every contract class could be had."""
        if not session.testsfailed:
            self._note("", "collected")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note that a test begins."""
        self._note(nodeid, "began")

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Leave out what follows a failure of its class, where one is enough."""
        if self._ended is not None and place_of(item.nodeid)[0] in self._ended:
            pytest.skip("a test of this class has failed")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure of any part of a test, and how its body ended."""
        if report.failed:
            self._note(report.nodeid, "failed", _reason(report))
            if self._ended is not None:
                self._ended.add(place_of(report.nodeid)[0])
        elif report.skipped:
            self._note(report.nodeid, "skipped", _reason(report))
        elif report.when == "call":
            self._note(report.nodeid, "passed")
        if report.when == "teardown":
            self._note(report.nodeid, "ended")

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Note what a test reports without failing."""
        if warning_message.category.__name__ == _REPORTED:
            self._note(nodeid, "reported", str(warning_message.message))

    def _note(self, nodeid: str, what: str, reason: str = "") -> None:
        kit, test = place_of(nodeid)
        line = {"kit": kit, "test": test, "what": what, "reason": reason, "time": time.time()}
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()


def place_of(nodeid: str) -> tuple[str, str]:
    """Return class and test that a node id of pytest names."""
    _, _, inside = nodeid.partition("::")
    kit, _, test = inside.partition("::")
    return kit, test


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return text.strip()[:_LONGEST]

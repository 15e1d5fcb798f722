"""A contract run against one mutant: in a copy of the sources, and in a process forked for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

MARK = "DOVETAIL_MUTANT"
_OPTIONS = ("-x", "-q", "--no-header", "--tb=no", "--import-mode=importlib", "-p", "no:cacheprovider")


@dataclass
class _Order:
    """Runs what was quick before the rest, and notes how long each test takes and which one failed."""

    seconds: dict[str, float]
    heard: Path
    took: dict[str, float] = field(default_factory=dict)
    failed: str = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.seconds.get(_name(item.nodeid), 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = _name(report.nodeid)
        self.took[name] = self.took.get(name, 0.0) + report.duration
        self.heard.touch()
        if report.failed and not self.failed:
            self.failed = name


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[2]


@dataclass
class Sandbox:
    """A place for one mutant at a time: a copy of the package, and the tests of a contract class.

    This process must not have imported the package: each fork imports it from the copy.
    """

    folder: Path
    package: Path
    beside: Path
    pid: int = 0

    def __post_init__(self) -> None:
        self.heard = self.folder / "heard"
        self.copy = self.folder / "sources" / self.package.name
        shutil.copytree(self.package, self.copy, ignore=shutil.ignore_patterns("__pycache__"))

    def start(
        self, kits: tuple[str, ...], *, seconds: dict[str, float], file: str = "", code: str = ""
    ) -> None:
        """Begin to run contract classes against the copy, in which one file has other code."""
        self.restored = (self.copy / file, (self.copy / file).read_text("utf-8")) if file else None
        if file:
            self._write(self.copy / file, code)
        tests = self.folder / "tests"
        shutil.rmtree(tests, ignore_errors=True)
        tests.mkdir()
        lines = [f"Kit{number} = load({kit!r})\n" for number, kit in enumerate(kits)]
        (tests / "test_kits.py").write_text("from dovetail.references import load\n\n" + "".join(lines))
        (tests / "pytest.ini").write_text("[pytest]\npython_classes = Kit*\n")
        self.heard.touch()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(tests, seconds)

    def _run(self, tests: Path, seconds: dict[str, float]) -> None:
        """Be the process that runs the tests."""
        code = 70
        try:
            os.setsid()
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(log, stream)
            path = [str(self.copy.parent), str(self.beside)]
            settings = {"PYTHONPATH": os.pathsep.join(path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            os.environ.update({**settings, MARK: str(self.folder)})
            sys.path[:0] = path
            os.chdir(tests)
            order = _Order(seconds, self.heard)
            scratch = ("--basetemp", str(self.folder / "scratch"), "-c", str(tests / "pytest.ini"))
            code = pytest.main([*_OPTIONS, *scratch, "--rootdir", str(tests), str(tests)], [order])
            said = {"took": order.took, "failed": order.failed}
            (self.folder / "outcome.json").write_text(json.dumps(said))
        finally:
            os._exit(code)

    def ended(self, patience: float) -> int | None:
        """Return the code of the tests, -1 where no test ended for too many seconds, None while they run."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0 and time.time() - self.heard.stat().st_mtime < patience:
            return None
        if pid == 0:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self._end_descendants()
        if self.restored:
            self._write(*self.restored)
        return os.waitstatus_to_exitcode(status) if pid else -1

    def outcome(self) -> dict[str, Any]:
        """Return what the tests noted at their end."""
        said: dict[str, Any] = json.loads((self.folder / "outcome.json").read_text())
        return said

    def _write(self, target: Path, code: str) -> None:
        """Write so that no byte code of the text before is taken for that of this one."""
        for compiled in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
            compiled.unlink()
        target.write_text(code, encoding="utf-8")

    def _end_descendants(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        wanted = f"{MARK}={self.folder}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

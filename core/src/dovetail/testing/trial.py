"""Contract classes on trial: run by a pytest of their own, away from any project's settings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dovetail.errors import IntegrationError

_NUMBERED = re.compile(r"test_(\d+)_")
_RESULTS = {"passed", "failed", "skipped"}
_PAUSE = 0.02
_BEGINNING = 120.0
"""Seconds that pytest may take to begin, however busy the machine is."""
_QUIET = ("-q", "--no-header", "--tb=short", "--import-mode=importlib", "-p", "no:cacheprovider")
# What is installed beside pytest is another project's choice, and order and number of processes are ours.
_WITHOUT = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:timeout", "-p", "no:cov")


def number_of(test: str) -> int | None:
    """Return the number of the behaviour that a test is about, None where it has none."""
    found = _NUMBERED.match(test)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test of a contract ended: `passed`, `failed` or `skipped`, and why."""

    kit: str
    test: str
    result: str
    reason: str = ""

    @property
    def number(self) -> int | None:
        """The number of the behaviour, None for a test that has none."""
        return number_of(self.test)


@dataclass(frozen=True, slots=True)
class Trial:
    """Contract classes by a name of one's choice, as references `module:Class`, to be run in `folder`.

    `path` is put on the import path of the tests, `numbers` names the only behaviours to test of a class.
    A test that lasts longer than `patience` seconds is ended with its process, and counts as failed; so
    does one that ends the process. What comes after it is tested in another process. With `one_failure` a
    class whose first test has failed is left at that.
    """

    kits: Mapping[str, str]
    folder: Path
    path: tuple[str, ...] = ()
    numbers: Mapping[str, Collection[int]] = field(default_factory=dict)
    patience: float = 120.0
    environment: Mapping[str, str] = field(default_factory=dict)
    one_failure: bool = False

    def run(self) -> list[Outcome]:
        """Run every test; return how each ended.

        Raises:
            IntegrationError: pytest is not there, or could not begin.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} = load({reference!r})\n" for name, reference in self.kits.items()]
        tests = self.folder / "test_trial.py"
        tests.write_text("from dovetail.references import load\n\n" + "".join(lines), encoding="utf-8")
        (self.folder / "pytest.ini").write_text("[pytest]\npython_classes = *\n", encoding="utf-8")
        outcomes: dict[str, Outcome] = {}
        while self._session(tests, outcomes):
            pass
        return list(outcomes.values())

    def _session(self, tests: Path, outcomes: dict[str, Outcome]) -> bool:
        """Run what has no outcome yet in one process; say whether something may be left."""
        notes = self.folder / "notes.jsonl"
        notes.unlink(missing_ok=True)
        notes.touch()
        numbers = {name: sorted(self.numbers[name]) if name in self.numbers else None for name in self.kits}
        failed = sorted({each.kit for each in outcomes.values() if each.result == "failed"})
        ended = failed if self.one_failure else None
        trial = {"file": str(notes), "done": list(outcomes), "numbers": numbers, "ended": ended}
        (self.folder / "trial.json").write_text(json.dumps(trial), encoding="utf-8")
        log = self.folder / "pytest.log"
        with log.open("w", encoding="utf-8") as stream:
            child = subprocess.Popen(
                self._command(tests),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            reason = self._watch(child, notes)
        if notes.stat().st_size == 0:
            raise IntegrationError(
                f"pytest could not begin: {log.read_text(encoding='utf-8')[-2000:]}", hint=_HINT
            )
        before = len(outcomes)
        culprit = _read(notes, outcomes)
        if culprit is None:
            return False
        why = reason or f"the process ended with it, code {child.returncode}"
        outcomes["::".join(culprit)] = Outcome(*culprit, "failed", why)
        return len(outcomes) > before

    def _command(self, tests: Path) -> list[str]:
        plugin = ("-p", "dovetail.testing.outcomes", "--trial", str(self.folder / "trial.json"))
        place = ("-c", str(self.folder / "pytest.ini"), "--rootdir", str(self.folder))
        scratch = ("--basetemp", str(self.folder / "scratch"))
        return [sys.executable, "-m", "pytest", *_QUIET, *_WITHOUT, *plugin, *place, *scratch, str(tests)]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        path = os.pathsep.join([*self.path, *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": path, **self.environment}

    def _watch(self, child: subprocess.Popen[bytes], notes: Path) -> str:
        """Wait for the end of the process, or make one; return why, where it was made."""
        while child.poll() is None:
            time.sleep(_PAUSE)
            noted = notes.stat()
            if time.time() - noted.st_mtime > (self.patience if noted.st_size else _BEGINNING):
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                return f"it did not end within {self.patience:.0f} s"
        return ""


_HINT = "the tests of the contracts need pytest: pip install 'dovetail[testing]'"


def _read(notes: Path, outcomes: dict[str, Outcome]) -> tuple[str, str] | None:
    """Take in what was noted; return the test that began and did not end."""
    running: tuple[str, str] | None = None
    for kit, test, what, reason in _lines(notes):
        key = f"{kit}::{test}"
        if what == "began":
            running = (kit, test)
        elif what == "ended":
            running = None
        elif what in _RESULTS and (key not in outcomes or outcomes[key].result != "failed"):
            outcomes[key] = Outcome(kit, test, what, reason)
    return running


def _lines(notes: Path) -> Iterator[tuple[str, str, str, str]]:
    for line in notes.read_text(encoding="utf-8").splitlines():
        try:
            note = json.loads(line)
        except ValueError:  # the process was killed while it wrote
            return
        yield note["kit"], note["test"], note["what"], note["reason"]

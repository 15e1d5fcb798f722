"""The invariants checker names each thing that is planted in a store, and nothing in a sound one."""

# ruff: noqa: S608 - the statements are of this file

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import Moment, local_violations, survivors
from dovetail.testing.witness import WITNESS, executions

PROGRAM = """
from dovetail import pipeline, step
from dovetail.testing.witness import attest

@step
def load() -> int:
    attest()
    return 1

@step
def double(value: int) -> int:
    attest()
    return 2 * value

@pipeline
def small():
    double(load())
"""


@dataclass(frozen=True)
class Stored:
    """A home in which one run has completed, for a test to damage."""

    home: Path

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def witness(self) -> Path:
        return self.home / "witness"

    @property
    def run_id(self) -> str:
        return self.ask("SELECT id FROM runs")

    def say(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.store / "metadata.db", isolation_level=None)) as database:
            for each in statements:
                database.execute(each)

    def ask(self, query: str) -> str:
        with closing(sqlite3.connect(self.store / "metadata.db")) as database:
            return str(database.execute(query).fetchone()[0])

    def file(self, pattern: str) -> Path:
        return min(self.store.glob(pattern))

    def problems(self, moment: Moment = Moment.RESUMED) -> list[str]:
        return local_violations(self.home, moment, self.witness)


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("project")
    cli = CommandLine(project, project / "home")
    cli.write("small.py", PROGRAM)
    answer = cli("run", "small.py", "-q", env={WITNESS: str(project / "home" / "witness")})
    assert answer.code == 0, answer.err
    return cli.home


@pytest.fixture
def stored(completed: Path, tmp_path: Path) -> Stored:
    shutil.copytree(completed, tmp_path / "home")
    return Stored(tmp_path / "home")


@pytest.mark.parametrize("moment", list(Moment))
def test_nothing_is_wrong_with_a_sound_store(stored: Stored, moment: Moment) -> None:
    assert stored.problems(moment) == []
    assert [(each.step, each.number) for each in executions(stored.witness)] == [("load", 1), ("double", 1)]


DOUBLE = "WHERE step = 'double'"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE runs SET status = 'running'", "it is interrupted, and should have been resumed"),
        (f"UPDATE step_runs SET status = 'running' {DOUBLE}", "running in a run that is completed"),
        (f"UPDATE step_runs SET status = 'failed' {DOUBLE}", "it is failed and has outputs"),
        (f"UPDATE step_runs SET status = 'failed' {DOUBLE}", "it is failed, and attempt 1 is accepted"),
        (f"UPDATE step_runs SET outputs = '{{}}' {DOUBLE}", r"has outputs \[\], planned were \['output'\]"),
        (f"UPDATE step_runs SET attempts = 2 {DOUBLE}", "it counts 2 attempts, recorded are 1"),
        (f"UPDATE step_runs SET step = 'more' {DOUBLE}", "it is not in the plan"),
        (f"DELETE FROM step_runs {DOUBLE}", r"nothing is known of \['double'\]"),
        (f"DELETE FROM step_runs {DOUBLE}", "step 'double', which has not begun"),
        (f"DELETE FROM step_runs {DOUBLE}", "no step refers to it"),
        (f"UPDATE attempts SET status = 'running' {DOUBLE}", "attempt 1 of step 'double' is running"),
        (f"UPDATE attempts SET status = 'running' {DOUBLE}", r"accepted attempts are \[\]"),
        (f"UPDATE attempts SET status = 'failed' {DOUBLE}", "published result, and was recorded as failed"),
        (f"UPDATE attempts SET reason = NULL {DOUBLE}", "without a reason or an end"),
        (f"UPDATE attempts SET number = 2 {DOUBLE}", r"its attempts have the numbers \[2\]"),
        (f"UPDATE attempts SET number = 2 {DOUBLE}", "the accepted attempt was never executed"),
        (f"DELETE FROM attempts {DOUBLE}", "reports/.* is of no attempt"),
        (f"DELETE FROM attempts {DOUBLE}", r"executed \[1\], known are attempts \[\]"),
        (f"DELETE FROM artifacts {DOUBLE}", "its artifact .* is not recorded"),
        (f"DELETE FROM artifacts {DOUBLE}", "1 artifacts are stored and not recorded"),
        (f"UPDATE artifacts SET pipeline = 'other' {DOUBLE}", "says pipeline other"),
        ("DELETE FROM links WHERE kind = 'input'", "database: link .*'input', 'value'.* is missing"),
        ("INSERT INTO links VALUES ('a', 'r', 's', 'input', 'n')", r"link \('a', .* is of no step"),
        ("DELETE FROM runs", "database: step run double of run .* has no run"),
        ("DELETE FROM runs", "database: attempt .* has no run"),
        ("DELETE FROM runs", "database: plan .* belongs to no run"),
        ("DELETE FROM runs", "runs/.* is of no run"),
        ("INSERT INTO metrics VALUES (1, 'r', 's', 'loss', 1.0, NULL, NULL, 1)", "metric loss has no run r"),
        ("DELETE FROM plans", "its plan .* is not there"),
        ("DELETE FROM leases", "has epoch 1, more than its lease"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_records_is_named(stored: Stored, statement: str, told: str) -> None:
    stored.say(statement)
    assert [each for each in stored.problems() if re.search(told, each)]


def test_what_sqlite_finds_wrong_with_its_file_is_named(stored: Stored) -> None:
    stored.say(
        "UPDATE attempts SET duration = NULL WHERE step = 'double'",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET sql = replace(sql, 'duration DOUBLE', 'duration DOUBLE NOT NULL') "
        "WHERE name = 'attempts'",
    )
    assert stored.problems() == ["database: NULL value in attempts.duration"]


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def replaced(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (lambda s: flip(s.file("artifacts/*/*/value.json")), "its digest differs"),
        (lambda s: s.file("artifacts/*/*/value.json").unlink(), "'value.json' is missing"),
        (lambda s: s.file("artifacts/*/*/manifest.json").unlink(), "manifest.json"),
        (lambda s: replaced(s.file("artifacts/*/*") / "more", b""), "'more' does not belong to the artifact"),
        (lambda s: replaced(s.file("runs/*/*/reports/*"), b"{"), "is no whole report"),
        (lambda s: s.file("runs/*/*/reports/*").unlink(), "accepted attempt .* has no report"),
        (lambda s: replaced(s.file("runs/*/*/reports") / "a.json", b"{}"), "is of no attempt"),
        (lambda s: replaced(s.file("runs/*/*/logs") / "a.log", b""), "is of no attempt"),
        (lambda s: replaced(s.store / "runs" / "ab" / "noneab" / "logs" / "a.log", b""), "is of no run"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_files_is_named(
    stored: Stored, plant: Callable[[Stored], None], told: str
) -> None:
    (stored.file("runs/*/*") / "logs").mkdir(exist_ok=True)
    plant(stored)
    for moment in Moment:
        assert [each for each in stored.problems(moment) if re.search(told, each)]


def test_a_report_that_speaks_of_another_attempt_is_named(stored: Stored) -> None:
    one, other = sorted(stored.store.glob("runs/*/*/reports/*"))
    replaced(one, other.read_bytes())
    assert [each for each in stored.problems() if re.search("speaks of .*'double'|speaks of .*'load'", each)]


@pytest.mark.parametrize("draft", ["artifacts/ab/.x.partial", "artifacts/.x.deleted/f", ".staging/x/f"])
def test_drafts_are_named_once_everything_is_resumed(stored: Stored, draft: str) -> None:
    replaced(stored.store / draft, b"")
    assert stored.problems(Moment.KILLED) == []
    assert "is a draft that nobody will complete" in " ".join(stored.problems(Moment.RESUMED))


def test_what_a_killed_runner_leaves_may_be_there_until_its_run_is_resumed(stored: Stored) -> None:
    stored.say(
        "UPDATE runs SET status = 'running'",
        f"UPDATE step_runs SET status = 'running', outputs = '{{}}' {DOUBLE}",
        f"UPDATE attempts SET status = 'running' {DOUBLE}",
        f"DELETE FROM artifacts {DOUBLE}",
        "DELETE FROM links WHERE kind = 'output' AND step = 'double'",
    )
    assert stored.problems(Moment.KILLED) == []
    run, report = stored.problems(Moment.RESUMED)
    assert "interrupted, and should have been resumed" in run
    assert "is a published result, and was recorded as running" in report


def test_a_lost_attempt_may_leave_as_many_artifacts_as_it_has_outputs_until_they_are_pruned(
    stored: Stored,
) -> None:
    stored.say(
        f"INSERT INTO attempts SELECT 99, 'lost', run_id, step, 2, 'failed', started, finished, duration, "
        f"'lost', NULL, NULL, NULL FROM attempts {DOUBLE}",
        f"UPDATE step_runs SET attempts = 2 {DOUBLE}",
    )
    for number, moment in ((0, Moment.PRUNED), (1, Moment.RESUMED)):
        assert stored.problems(moment) == []
        replaced(stored.store / "artifacts" / "ab" / f"{number}ab" / "value.json", b"1")
    assert "2 artifacts are stored and not recorded" in " ".join(stored.problems(Moment.RESUMED))
    assert stored.problems(Moment.KILLED) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:1], "step 'double' .*: the accepted attempt was never executed"),
        (lambda lines: [*lines, lines[1]], "attempt 1 of step 'double' .* was executed 2 times"),
        (lambda lines: [*lines, lines[1].replace(" 1 ", " 2 ")], r"was executed again: \[1, 2\]"),
        (lambda lines: [*lines, "unknown 1 load"], r"step 'load' of run unknown executed \[1\]"),
    ],
)
def test_what_the_witness_says_against_the_records_is_named(
    stored: Stored, change: Callable[[list[str]], list[str]], told: str
) -> None:
    lines = change(stored.witness.read_text().splitlines())
    stored.witness.write_text("".join(f"{each}\n" for each in lines))
    assert [each for each in stored.problems() if re.search(told, each)]


def test_a_run_that_somebody_holds_is_named_unless_it_is_known_to_live(stored: Stored) -> None:
    with SqliteMetadataStore("held", SqliteMetadataStoreConfig(), home=stored.store) as store:
        store.open()
        lease = store.acquire(stored.run_id)
        assert "somebody holds its lease" in " ".join(stored.problems())
        assert local_violations(stored.home, live=[stored.run_id]) == []
        lease.release()


def test_processes_that_carry_the_cookie_are_named_after_a_while() -> None:
    cookie = f"SURVIVORS_COOKIE={os.urandom(8).hex()}"
    name, _, value = cookie.partition("=")
    begun = time.monotonic()
    with subprocess.Popen(["sleep", "60"], env={**os.environ, name: value}) as process:
        (told,) = survivors(cookie, 0.3)
        assert f"process {process.pid} survives: sleep 60" in told
        assert time.monotonic() - begun >= 0.3
        process.kill()
    assert survivors(cookie) == []

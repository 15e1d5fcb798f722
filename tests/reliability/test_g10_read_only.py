"""G10: places that cannot be written, or not even read, are a message; what can be done there still works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message

RUN = """
from dovetail import pipeline, step

@step
def compute(size: int = 1) -> int:
    print("it is computed")
    return size

@pipeline
def computing():
    compute()

if __name__ == "__main__":
    computing.run()
"""
# Root may write anywhere: without these two rights (to ignore permissions) it is a user like any other.
WITHOUT_RIGHTS = """
import ctypes, os, sys
for right in (1, 2):
    assert ctypes.CDLL(None).prctl(24, right, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
READS = (
    ("run", "list"), ("run", "show", "earlier"), ("run", "logs", "earlier"), ("artifact", "list"),
    ("artifact", "verify", "--all"), ("stack", "list"), ("artifact-store", "flavors"),
)  # fmt: skip
Modes = Callable[[Path, int], None]


@pytest.fixture
def modes() -> Iterator[Modes]:
    """Change the mode of a file or directory until the test ends."""
    before: dict[Path, int] = {}

    def change(path: Path, mode: int) -> None:
        before.setdefault(path, path.stat().st_mode & 0o777)
        path.chmod(mode)

    yield change
    for path, mode in before.items():
        path.chmod(mode)


@pytest.fixture
def plain(cli: CommandLine) -> Callable[..., Answer]:
    """Run `dovetail` as a user that permissions hold for, in a project with one run that has completed."""
    cli.write("run.py", RUN)
    assert cli("run", "run.py", "--name", "earlier", "-q").code == 0
    before = ("-c", WITHOUT_RIGHTS) if os.geteuid() == 0 else ()
    return lambda *arguments: cli.python(*before, "-m", "dovetail", *arguments)


def _home_with_files(cli: CommandLine) -> None:
    assert cli("profile", "create", "spare").code == 0
    assert cli("artifact-store", "register", "spare", "--flavor", "local").code == 0
    assert cli("stack", "set", "default").code == 0


def test_g10_in_a_read_only_file_system_one_can_look_and_nothing_else_and_is_told(
    cli: CommandLine, disk: Any
) -> None:
    there = CommandLine(disk.path / "project", disk.path / "home")
    there.write("run.py", RUN)
    assert there("run", "run.py", "--name", "earlier", "-q").code == 0
    _home_with_files(there)
    disk.writable(False)
    home = str(there.home)
    for command in READS:
        answer = there(*command)
        assert answer.code == 0, (command, answer)
        assert "error" not in answer.err, (command, answer)
    assert_message(there("run", "run.py", "-q"), 8, f"{home}/store/metadata.db", "read-only")
    assert_message(there.python("run.py"), 8, f"{home}/store/metadata.db", "read-only")
    assert_message(there("stack", "set", "default"), 8, f"{home}/config.yaml", "Read-only file system")
    assert_message(there("profile", "create", "new"), 8, f"{home}/profiles/new.yaml", "Read-only file system")
    assert_message(
        there("artifact-store", "register", "new", "--flavor", "local"), 8, f"{home}/profiles", "Read-only"
    )
    assert_message(there("run", "page", "earlier"), 2, "earlier.html", "Read-only file system")
    assert_message(there("init", "new"), 8, "new", "Read-only file system")
    # Only project and scratch directory are there: a run needs neither to be writable.
    elsewhere = CommandLine(there.directory, cli.home)
    assert elsewhere("run", "run.py", "-q", env={"TMPDIR": str(disk.path / "project")}).code == 0
    disk.writable(True)
    assert there("run", "run.py", "-q", "--no-cache").code == 0


def test_g10_an_artifact_store_that_becomes_read_only_fails_the_step_and_resume_goes_on(
    cli: CommandLine, disk: Any
) -> None:
    cli.write("run.py", RUN)
    store = disk.path / "store"
    assert cli("artifact-store", "register", "s", "--flavor", "local", "--path", str(store)).code == 0
    assert cli("stack", "register", "s", "-o", "local", "-a", "s", "--set").code == 0
    assert cli("run", "run.py", "--name", "earlier", "-q").code == 0
    disk.writable(False)
    answer = cli("run", "run.py", "--no-cache", "--name", "late", "-q")
    assert_message(answer, 8, "read-only: artifact store 's'", str(store), "dovetail run resume late")
    assert cli("run", "list", "--json").json()[0]["status"] == "failed"
    disk.writable(True)
    assert cli("run", "resume", "late", "-q").code == 0
    assert cli("artifact", "verify", "--all").code == 0


def test_g10_without_permission_to_write_one_can_look_and_is_told(
    cli: CommandLine, plain: Callable[..., Answer], modes: Modes
) -> None:
    _home_with_files(cli)
    for directory in [cli.home, *(each for each in cli.home.rglob("*") if each.is_dir())]:
        modes(directory, 0o555)
    for file in [each for each in cli.home.rglob("*") if each.is_file()]:
        modes(file, 0o444)
    for command in READS:
        answer = plain(*command)
        assert answer.code == 0, (command, answer)
        assert "error" not in answer.err, (command, answer)
    home = str(cli.home)
    assert_message(plain("run", "run.py", "-q"), 8, f"{home}/store/metadata.db", "read-only")
    assert_message(plain("stack", "set", "default"), 8, f"{home}/config.yaml", "Permission denied")
    assert_message(plain("profile", "create", "new"), 8, f"{home}/profiles/new.yaml", "Permission denied")


def test_g10_what_may_not_be_read_is_named(
    cli: CommandLine, plain: Callable[..., Answer], modes: Modes, size: Callable[[int, int], int]
) -> None:
    _home_with_files(cli)
    cases = [
        ("store/runs", 8, "no permission: artifact store"),
        ("store/metadata.db", 8, "it cannot be opened"),
        ("config.yaml", 4, "Permission denied"),
        ("store/artifacts", 1, "no permission: artifact store"),
        ("store", 8, "Permission denied"),
        ("profiles/default.yaml", 4, "Permission denied"),
        (".", 8, "Permission denied"),
    ]
    for place, code, said in cases[: size(3, 7)]:
        modes(cli.home / place, 0)
        answer = plain("run", "run.py", "-q", "--no-cache")
        assert_message(answer, code, said, str(cli.home / place.partition("/")[0]).rstrip("."))
        modes(cli.home / place, 0o755)
    assert cli("artifact", "verify", "--all").code == 0
    assert cli("run", "run.py", "-q").code == 0


def test_g10_a_script_or_a_setting_that_may_not_be_read_is_named(
    cli: CommandLine, plain: Callable[..., Answer], modes: Modes
) -> None:
    for name in ("own.py", "own.yaml"):
        modes(cli.write(name, RUN), 0)
    assert_message(plain("run", "own.py"), 2, "own.py", "Permission denied")
    assert_message(plain("run", "own.yaml"), 2, "own.yaml", "Permission denied")
    assert_message(plain("run", "run.py", "--config", "own.yaml"), 2, "own.yaml", "not readable")

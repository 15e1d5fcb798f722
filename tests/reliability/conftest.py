"""What the tests of the guarantees share: a command line with a home of its own, sizes, and their counts."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dovetail.execution.processes.process_tree import carriers
from dovetail.testing.command_line import CommandLine
from dovetail.testing.storm import Storm


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line in an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, tmp_path / "home")


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the sizes are those that Dovetail promises; else such that everybody runs them all the time."""
    return os.environ.get("DOVETAIL_TEST_SIZES") == "full"


@pytest.fixture(scope="session")
def size(full: bool) -> Callable[[int, int], int]:
    """Choose between the quick and the full size: `size(8, 100)`."""
    return lambda quick, whole: whole if full else quick


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Note a count for the summary at the end: `tell("100 kills, 0 violations")`."""
    return lambda line: record_property("count", line)


@pytest.fixture
def storm(cli: CommandLine) -> Storm:
    """A storm in a project with pipelines of several shapes: `programs/shapes.py`."""
    cli.write("shapes.py", (Path(__file__).parent / "programs" / "shapes.py").read_text(encoding="utf-8"))
    return Storm(cli)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A random generator of the test's own; DOVETAIL_TEST_SEED repeats what failed."""
    seed = os.environ.get("DOVETAIL_TEST_SEED") or str(random.SystemRandom().randrange(10**6))
    request.node.add_report_section("setup", "seed", f"DOVETAIL_TEST_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


class SmallDisk:
    """A file system of a few pages, which can be filled, freed and made read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave room for so many pages of 4 KiB, and for no more."""
        self.free()
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - 4096 * leave))

    def free(self) -> None:
        """Take away what filled it."""
        self._ballast.unlink(missing_ok=True)

    def writable(self, yes: bool) -> None:  # noqa: FBT001 - a state
        """Mount it again, for reading only or not."""
        _as_root("mount", "-o", f"remount,{'rw' if yes else 'ro'}", str(self.path))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of 4 MiB in memory; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    refusal = _as_root(
        "mount", "-t", "tmpfs", "-o", f"size=4m,mode=1777,uid={os.getuid()}", "none", str(place)
    )
    if refusal:
        assert not os.environ.get("DOVETAIL_REQUIRE_REAL"), refusal
        pytest.skip(f"no file system can be mounted here: {refusal}")
    yield SmallDisk(place)
    _as_root("umount", "--lazy", str(place))


def _as_root(*command: str) -> str:
    """Run a command as root, where that needs no password; return what it complained of."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


class Program:
    """A program that runs a pipeline, to be asked to end; the cookie finds what is left of it."""

    def __init__(self, cli: CommandLine, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.cli = cli
        self.cookie = f"DOVETAIL_TEST_COOKIE={secrets.token_hex(8)}"
        self._err = cli.directory / f"err-{self.cookie[-8:]}"
        self._asked = 0.0
        with self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=cli.directory,
                env=cli.environment({**env, **dict([self.cookie.split("=")])}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )

    @property
    def err(self) -> str:
        """Return what it has written to standard error."""
        return self._err.read_text(encoding="utf-8")

    def until(self, pattern: str, count: int = 1, seconds: float = 60) -> None:
        """Wait until there are so many files of this pattern in the project."""
        self.wait_for(lambda: len(list(self.cli.directory.glob(pattern))) >= count, seconds)

    def wait_for(self, come: Callable[[], Any], seconds: float = 60) -> None:
        """Wait until something has come to be."""
        deadline = time.monotonic() + seconds
        while not come():
            assert time.monotonic() < deadline, f"waited in vain; it says:\n{self.err}"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send it a signal; the time until `end` counts from the first."""
        self._asked = self._asked or time.monotonic()
        self.process.send_signal(number)

    def end(self) -> tuple[int, float]:
        """Return how it left, and how many seconds after it was asked to."""
        code = self.process.wait(100)
        return code, time.monotonic() - self._asked

    def close(self) -> None:
        """Kill it and whatever is left of it."""
        self.process.kill()
        self.process.wait()
        for pid in carriers(self.cookie):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def stubborn(cli: CommandLine) -> Iterator[Callable[..., Program]]:
    """Start a pipeline of `programs/stubborn.py` in a program of its own; steps have a second to end."""
    cli.write("stubborn.py", (Path(__file__).parent / "programs" / "stubborn.py").read_text(encoding="utf-8"))
    started: list[Program] = []

    def start(pipeline: str, *options: str, program: Sequence[str] = (), **env: str) -> Program:
        arguments = program or ("-m", "dovetail", "run", "stubborn.py", *options)
        marks = {"PIPELINE": pipeline, "DOVETAIL_ORCHESTRATOR_LOCAL_GRACE": "1", **env}
        started.append(Program(cli, arguments, marks))
        return started[-1]

    # A shell without job control starts what it puts into the background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, before)
    for each in started:
        each.close()

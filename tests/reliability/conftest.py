"""What the tests of the guarantees share: a command line with a home of its own, sizes, and their counts."""

from __future__ import annotations

import json
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

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import RunQuery
from dovetail.host.process_tree import carriers
from dovetail.testing.command_line import CommandLine
from dovetail.testing.site import Site, on_the_path
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
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder for throw-away wheels, seen by every command."""
    with on_the_path(tmp_path_factory.mktemp("site"), monkeypatch) as made:
        yield made


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

    def writable(self, yes: bool) -> None:
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
    """A program that runs a pipeline of `programs/stubborn.py`, to be asked to end."""

    def __init__(self, cli: CommandLine, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.cli = cli
        self.home = Path(env.get("DOVETAIL_HOME", cli.home))
        self.token = secrets.token_hex(8)
        self.run = self.token if "--name" in arguments else "last"
        self._cookie = f"{COOKIE}={self.token}"
        self._err = cli.directory / f"err-{self.token}"
        self._asked: float | None = None
        self._request: subprocess.Popen[str] | None = None
        with self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *(self.token if each == NAME else each for each in arguments)],
                cwd=cli.directory,
                env=cli.environment({**env, COOKIE: self.token}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )

    @property
    def err(self) -> str:
        """Return what it has written to standard error."""
        return self._err.read_text(encoding="utf-8")

    def told(self, what: str = "[0-9]*") -> list[Path]:
        """Return the files by which its steps said something; by default that they are there."""
        return list(self.cli.directory.glob(f"{self.token}-{what}"))

    def until_ready(self, count: int = 1) -> None:
        """Wait until so many steps are there."""
        self.until(lambda: len(self.told()) >= count)

    def until(self, come: Callable[[], Any], seconds: float = 60) -> None:
        """Wait until something has come to be."""
        deadline = time.monotonic() + seconds
        while not come():
            assert time.monotonic() < deadline, f"waited in vain; it says:\n{self.err}"
            time.sleep(0.01)

    def ask(self, number: int | None) -> None:
        """Ask it to end: by a signal, or by `run cancel` from elsewhere."""
        if number is None:
            before = set(self.cli.home.rglob("requests/*"))
            self._request = self.cli.spawn("run", "cancel", self.run, "--json")
            self.until(lambda: set(self.cli.home.rglob("requests/*")) - before)
        else:
            self.process.send_signal(number)
        self._asked = self._asked or time.monotonic()

    def left_over(self, seconds: float) -> list[int]:
        """Return what is left of it, but for itself, so many seconds after it was asked to end."""
        deadline = (self._asked or time.monotonic()) + seconds
        while True:
            alive = [each for each in carriers(self._cookie) if each != self.process.pid]
            if not alive or time.monotonic() > deadline:
                return alive
            time.sleep(0.01)

    def end(self) -> int:
        """Wait for its end; return how it left. Who asked for it has to know of it as well."""
        code = self.process.wait(60)
        if self._request is not None:
            out, err = self._request.communicate(timeout=60)
            assert json.loads(out)["status"] == "cancelled", err
        return code

    def shown(self) -> dict[str, Any]:
        """Return name, status and recorded steps of its run."""
        place = self.home / "store"
        with SqliteMetadataStore("looked-at", SqliteMetadataStoreConfig(), home=place) as store:
            store.open()
            (run,) = store.runs(RunQuery(name=None if self.run == "last" else self.run, limit=1))
            return {
                "name": run.name,
                "status": run.status,
                "steps": [vars(each) for each in store.steps(run.id)],
            }

    def close(self) -> None:
        """Kill it and whatever is left of it."""
        self.process.kill()
        self.process.wait()
        for pid in carriers(self._cookie):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


COOKIE = "DOVETAIL_TEST_COOKIE"
NAME = "<name>"


@pytest.fixture
def stubborn(cli: CommandLine) -> Iterator[Callable[..., Program]]:
    """Start a pipeline of `programs/stubborn.py` in a program of its own; steps have a second to end."""
    cli.write("stubborn.py", (Path(__file__).parent / "programs" / "stubborn.py").read_text(encoding="utf-8"))
    started: list[Program] = []

    def start(pipeline: str, *options: str, program: Sequence[str] = (), **env: str) -> Program:
        arguments = program or ("-m", "dovetail", "run", "stubborn.py", "--name", NAME, *options)
        marks = {"PIPELINE": pipeline, "DOVETAIL_ORCHESTRATOR_LOCAL_GRACE": "1", **env}
        started.append(Program(cli, arguments, marks))
        return started[-1]

    # A shell without job control starts what it puts into the background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, before)
    for each in started:
        each.close()

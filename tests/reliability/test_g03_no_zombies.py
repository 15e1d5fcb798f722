"""G3: when the process that runs a pipeline dies, nothing that its steps started survives two seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dovetail.host.process_tree import carriers, children
from dovetail.testing.command_line import CommandLine

COOKIE = "TEST_COOKIE_OF_G03"

SCRIPT = """
import ctypes, os, signal, subprocess, sys, time
from dovetail import pipeline, step

def arrive(name):
    with open(f"new-{name}-{os.getpid()}", "w"):
        pass
    os.rename(f"new-{name}-{os.getpid()}", f"arrived-{name}-{os.getpid()}")

def program(name, *prefix, **options):
    there = f"open('arrived-{name}-' + str(__import__('os').getpid()), 'w'); __import__('time').sleep(600)"
    subprocess.Popen([*prefix, sys.executable, "-c", there], **options)

@step
def plain() -> int:
    program("plain")
    arrive("step1")
    time.sleep(600)

@step
def session() -> int:
    program("session", "setsid")
    program("group", start_new_session=True)
    arrive("step2")
    time.sleep(600)

@step
def daemon() -> int:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            arrive("daemon")
            time.sleep(600)
        os._exit(0)
    arrive("step3")
    time.sleep(600)

@step
def deaf() -> int:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    program("deaf", "setsid")
    program("nameless", "env", "-i", "setsid")
    arrive("step4")
    time.sleep(600)

@step
def reaper() -> int:
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        if os.fork() == 0:
            os.setsid()
            program("reaped", "setsid")
            os._exit(0)
        arrive("reaper")
        time.sleep(600)
    arrive("step5")
    time.sleep(600)

@step(environment={"variables": {"FRESH": "1"}})
def fresh() -> int:
    program("fresh", "setsid")
    arrive("step6")
    time.sleep(600)

@step
def grinds() -> int:
    arrive("step7")
    sum(range(10**13))

@pipeline
def started():
    plain(); session(); daemon(); deaf(); reaper(); fresh(); grinds()

started.run(max_workers=7)
"""

STEPS = {f"step{number}" for number in range(1, 8)}
STARTED = {"plain", "session", "group", "daemon", "deaf", "nameless", "reaper", "reaped", "fresh"}


class Scene:
    """A run of seven steps that start nine processes in every way, and where they all are."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        self.cookie = f"{COOKIE}={cli.directory}"
        self.launcher: subprocess.Popen[str] | None = None

    def start(self, source: str = SCRIPT, **env: str) -> subprocess.Popen[str]:
        self.cli.write("run.py", source)
        env = {COOKIE: str(self.cli.directory), **env}
        self.launcher = self.cli.spawn("run", "run.py", "--quiet", env=env)
        return self.launcher

    def arrived(self) -> dict[str, int]:
        names = [each.name.split("-") for each in self.cli.directory.glob("arrived-*")]
        return {name: int(pid) for _, name, pid in names}

    def all(self) -> set[int]:
        """Return who is there: by the environment, and by the names of those that have none."""
        return {*filter(alive, [*carriers(self.cookie), *self.arrived().values()])}

    def supervisor(self) -> int:
        assert self.launcher is not None
        return next(pid for pid in children(self.launcher.pid) if b"processes.supervisor" in command(pid))

    def status(self) -> str:
        return str(self.cli("run", "list", "--json").json()[0]["status"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def until(ask: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.01)


def gone(pids: Callable[[], set[int]], since: float) -> float:
    """Wait until nobody is left; return after how many seconds."""
    until(lambda: not pids(), 2.0 - (time.monotonic() - since))
    return time.monotonic() - since


@pytest.fixture
def scene(cli: CommandLine) -> Iterator[Scene]:
    scene = Scene(cli)
    yield scene
    for pid in scene.all():
        os.kill(pid, signal.SIGKILL)
    if scene.launcher is not None:
        scene.launcher.communicate()


def kill(process: subprocess.Popen[str]) -> float:
    since = time.monotonic()
    process.kill()
    process.wait()
    return since


def test_g03_nothing_that_steps_started_survives_two_seconds_whatever_session_it_moved_to(
    scene: Scene, tell: Callable[[str], None]
) -> None:
    launcher = scene.start()
    until(lambda: scene.arrived().keys() >= STEPS | STARTED, 60)
    there = len(scene.all())
    assert scene.status() == "running"
    seconds = gone(scene.all, kill(launcher))
    assert scene.status() == "interrupted"
    tell(f"{there} processes of a killed run, 0 survivors after {seconds:.2f} s")


def test_g03_direct_children_die_with_the_supervisor(scene: Scene) -> None:
    launcher = scene.start()
    until(lambda: scene.arrived().keys() >= STEPS | STARTED, 60)
    direct = {pid for name, pid in scene.arrived().items() if name in STEPS}
    supervisor = scene.supervisor()
    launcher.send_signal(signal.SIGSTOP)  # neither may act in between
    os.kill(supervisor, signal.SIGKILL)
    since = kill(launcher)
    gone(lambda: {*filter(alive, direct)}, since)
    assert scene.status() == "interrupted"


def test_g03_a_stopped_supervisor_goes_on_when_the_launcher_dies(scene: Scene) -> None:
    launcher = scene.start()
    until(lambda: scene.arrived().keys() >= STEPS | STARTED, 60)
    os.kill(scene.supervisor(), signal.SIGSTOP)
    gone(scene.all, kill(launcher))
    assert scene.status() == "interrupted"


IMPORTING = """
import os
from dovetail import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def importing():
    one()

if __name__ != "__main__":
    open("importing", "w").close()
    sum(range(10**13))
importing.run()
"""


def test_g03_the_launcher_may_die_while_the_steps_are_imported(scene: Scene) -> None:
    launcher = scene.start(IMPORTING)
    until((scene.cli.directory / "importing").exists, 60)
    gone(scene.all, kill(launcher))


SPAWNED = """
import os, subprocess, time
from dovetail import pipeline, step

@step
def sleeps() -> int:
    subprocess.Popen(["sleep", "600"])
    open(f"arrived-sleeps-{os.getpid()}", "w").close()
    time.sleep(600)

@step
def grinds() -> int:
    open(f"arrived-grinds-{os.getpid()}", "w").close()
    sum(range(10**13))

@pipeline
def spawned():
    sleeps(); grinds()

if __name__ == "__main__":
    spawned.run(max_workers=2)
"""


def test_g03_steps_started_without_a_supervisor_die_with_the_launcher_too(scene: Scene) -> None:
    launcher = scene.start(SPAWNED, DOVETAIL_START_METHOD="spawn")
    until(lambda: len(scene.arrived()) == 2, 60)
    gone(scene.all, kill(launcher))
    assert scene.status() == "interrupted"


LEFT = """
import os, subprocess
from dovetail import pipeline, step

@step
def leaves() -> list[int]:
    found = [subprocess.Popen(each).pid for each in (["sleep", "600"], ["setsid", "sleep", "600"])]
    if (pid := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "600"])
        os._exit(0)
    os.waitpid(pid, 0)
    return found

@step
def looks(before: list[int]) -> bool:
    cookie = f"TEST_COOKIE_OF_G03={os.environ['TEST_COOKIE_OF_G03']}".encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as command:
                found += [pid] * (cookie in environ.read() and command.read().startswith(b"sleep"))
        except OSError:
            continue
    assert not found, found
    files = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")[:-1]]
    assert not [each for each in files if "metadata" in each], files
    return True

@pipeline
def left():
    looks(leaves())

left.run()
"""


def test_g03_what_a_step_leaves_is_gone_before_the_next_begins_which_holds_no_file_of_the_run(
    scene: Scene,
) -> None:
    launcher = scene.start(LEFT)
    _, err = launcher.communicate(timeout=60)
    assert launcher.returncode == 0, err
    assert sys.platform == "linux"

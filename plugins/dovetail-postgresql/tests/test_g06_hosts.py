"""Many processes, and two hosts, on one database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine
from real_servers.postgresql import PostgresqlServer

pytestmark = pytest.mark.real

STEPS = 10
SCRIPT = (
    "import pathlib, time\nfrom dovetail import pipeline, step\n\n"
    + "\n".join(
        f"@step(enable_cache=False)\ndef step_{n}(value: int) -> int:\n    return value + 1\n"
        for n in range(STEPS)
    )
    + "\n@pipeline\ndef crowd():\n    value = 0\n"
    + "\n".join(f"    value = step_{n}(value)" for n in range(STEPS))
    + """

@step(enable_cache=False)
def waits() -> int:
    while pathlib.Path("wait").exists():
        time.sleep(0.02)
    return 1


@pipeline
def patient():
    waits()
"""
)


def project(folder: Path, name: str, settings: dict[str, Any]) -> CommandLine:
    """Make what one host has: a project, a home, and the shared database."""
    cli = CommandLine(folder / name / "project", folder / name / "home")
    cli.directory.mkdir(parents=True)
    cli.write("crowd.py", SCRIPT)
    options = [f"--{key}={value}" for key, value in settings.items()]
    for command in (
        ["metadata-store", "register", "pg", "--flavor", "postgresql", *options],
        ["stack", "register", "shared", "-o", "local", "-a", "local", "-m", "pg"],
        ["stack", "set", "shared"],
    ):
        answer = cli(*command)
        assert answer.code == 0, answer.err
    return cli


def test_g06_eight_processes_on_one_database_server_lose_nothing(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    cli = project(tmp_path, "here", settings)
    with ThreadPoolExecutor(8) as pool:
        command = ("run", "crowd.py:crowd")
        answers = list(pool.map(lambda _: cli(*command, timeout=300), range(8)))
    assert [(each.code, each.err) for each in answers if each.code] == []
    runs = cli("run", "list", "--json").json()
    assert [each["status"] for each in runs] == ["completed"] * 8
    steps = [cli("run", "show", each["id"], "--json").json()["steps"] for each in runs]
    assert sum(len(each) for each in steps) == 8 * STEPS


class Host:
    """A network namespace that commands run in, and what they work on."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.enter = ("ip", "netns", "exec", namespace)
        self.children: list[subprocess.Popen[str]] = []
        self.cli: CommandLine

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [*self.enter, sys.executable, "-m", "dovetail", *arguments],
            cwd=self.cli.directory, env=self.cli.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.children.append(child)
        return child

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.communicate()
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()

    def __call__(self, *arguments: str) -> Answer:
        child = self.spawn(*arguments)
        out, err = child.communicate(timeout=100)
        return Answer(child.returncode, out, err)

    def statuses(self) -> list[str]:
        return [each["status"] for each in self("run", "list", "--json").json()]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def can_make_namespaces() -> bool:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"dovetail-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        ip("netns", "del", name)
    return made


@pytest.fixture
def hosts() -> Iterator[Sequence[Host]]:
    """Two namespaces with a cable between them: 10.213.77.1 and 10.213.77.2."""
    if not can_make_namespaces():
        pytest.skip(
            "network namespaces cannot be made here: run as root with iproute2 (apt-get install iproute2)"
        )
    names = [f"dovetail-{os.getpid()}-{each}" for each in "ab"]
    cables = [f"dv{os.getpid() % 100000}{each}" for each in "ab"]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for number, (name, cable) in enumerate(zip(names, cables, strict=True), 1):
            ip("link", "set", cable, "netns", name)
            ip("-n", name, "addr", "add", f"10.213.77.{number}/24", "dev", cable)
            ip("-n", name, "link", "set", cable, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield [Host(name) for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@pytest.fixture
def shared(hosts: Sequence[Host], server: Any, tmp_path: Path) -> Iterator[Sequence[Host]]:
    """A server on the first host, and a project on each of the two, all on its database."""
    with tempfile.TemporaryDirectory(prefix="dovetail-pg-", ignore_cleanup_errors=True) as directory:
        remote = PostgresqlServer(Path(directory), 5432, "10.213.77.1", (), hosts[0].enter)
        remote.initialise()
        with (remote.directory / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.213.77.0/24 trust\n")
        remote.start(reachable=False)
        try:
            settings = {"host": "10.213.77.1", "dbname": "postgres", "user": "postgres"}
            for number, host in enumerate(hosts):
                host.cli = project(tmp_path, f"host{number}", settings)
            await_server(hosts[0])
            yield hosts
        finally:
            for host in hosts:
                host.end()
            remote.stop()


def await_server(host: Host) -> None:
    end = time.monotonic() + 60
    while (answer := host("run", "list")).code:
        assert time.monotonic() < end, answer.err
        time.sleep(0.1)


def begin(host: Host) -> subprocess.Popen[str]:
    """Start a run that waits, and return when it is shown as running."""
    (host.cli.directory / "wait").touch()
    running = host.spawn("run", "crowd.py:patient")
    end = time.monotonic() + 60
    while "running" not in host.statuses():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
    return running


def test_g06_a_live_run_of_one_host_is_never_interrupted_on_another(shared: Sequence[Host]) -> None:
    here, there = shared
    running = begin(here)
    for _ in range(5):
        assert there.statuses() == ["running"]
    (run,) = there("run", "list", "--json").json()
    refused = there("run", "resume", run["id"])
    assert refused.code != 0
    assert "is owned by" in refused.err
    (here.cli.directory / "wait").unlink()
    assert running.wait(60) == 0
    assert there.statuses() == ["completed"]


def test_g06_a_run_that_is_killed_on_one_host_is_interrupted_on_another_at_once(
    shared: Sequence[Host],
) -> None:
    here, there = shared
    running = begin(there)
    assert here.statuses() == ["running"]
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert here.statuses() == ["interrupted"]
    running.communicate()

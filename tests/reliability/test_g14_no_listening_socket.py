"""Nothing listens and nobody is called: seen from /proc, and by what Python itself reports of sockets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dovetail.host.process_tree import carriers
from dovetail.testing.command_line import CommandLine

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks into /proc")

COOKIE = "DOVETAIL_TEST_COOKIE"
# Every Python process that is started with this on its path notes what it does with sockets.
EARS = """
import os, sys

def note(event, arguments):
    if event in {"socket.bind", "socket.connect", "socket.getaddrinfo", "urllib.Request"}:
        with open(os.environ["SOCKETS"], "a") as file:
            file.write(f"{event} {arguments[1:]!r} in {sys.argv}\\n")

sys.addaudithook(note)
"""
PIPELINE = """
import time
from dovetail import pipeline, step

@step
def begin() -> int:
    time.sleep(0.3)
    return 1

@step
def follow(number: int, place: int) -> int:
    time.sleep(0.3)
    return number + place

@pipeline
def talks():
    number = begin()
    for place in range(3):
        follow.with_options(name=f"follow_{place}")(number, place=place)
"""
LISTENS = """
import socket, sys, time
kind = getattr(socket, sys.argv[1])
server = socket.socket(kind, getattr(socket, sys.argv[2]))
server.bind(sys.argv[3] if sys.argv[1] == "AF_UNIX" else ("127.0.0.1", 0))
if sys.argv[2] == "SOCK_STREAM":
    server.listen()
print("listening", flush=True)
time.sleep(600)
"""
READING = (
    "run list --json",
    "run show last",
    "run logs last",
    "run explain last begin",
    "run page last -o page.html",
    "pipeline list",
    "artifact list",
    "artifact verify --all",
    "stack list",
    "stack describe",
    "profile list",
    "integration list",
    "artifact-store flavors",
    "version",
    "--help",
)

# One process for all of them: starting one for each is most of their cost.
COMMANDS = """
import sys
from dovetail.cli.main import run

for line in sys.argv[1:]:
    if code := run(line.split()):
        sys.stderr.write(f"{line}: exit code {code}\\n")
"""


def waiting() -> Iterator[tuple[str, str]]:
    """Yield kind and inode of every socket of this machine that waits for somebody."""
    for kind, awaited in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == awaited:
                    yield kind, fields[9]
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        _, _, _, flags, _, _, inode, *name = line.split()
        if int(flags, 16) & 0x10000 or name:  # it accepts, or has a name under which it can be reached
            yield "unix", inode


def sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if match := re.fullmatch(r"socket:\[(\d+)\]", str(each.readlink())):
                    found.add(match[1])
    return found


def listeners(cookie: str) -> list[str]:
    """Return what listens in any process that carries the cookie."""
    of_all = {inode: kind for kind, inode in waiting()}
    return [
        f"process {pid} listens on {of_all[inode]}"
        for pid in carriers(cookie)
        for inode in sockets_of(pid) & of_all.keys()
    ]


class Watch:
    """Looks at the sockets of all processes that carry a cookie, again and again."""

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie
        self.found: set[str] = set()
        self.seen: set[int] = set()
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.is_set():
            self.seen.update(carriers(self.cookie))
            self.found.update(listeners(self.cookie))
            self.looks += 1
            time.sleep(0.05)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Look for as long as the block takes."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()


@pytest.fixture
def ears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every Python process note what it does with sockets; return the file of notes."""
    folder = tmp_path / "ears"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(EARS)
    notes = tmp_path / "sockets"
    notes.touch()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("SOCKETS", str(notes))
    return notes


KINDS = [("AF_INET", "SOCK_STREAM"), ("AF_INET", "SOCK_DGRAM"), ("AF_UNIX", "SOCK_STREAM")]


@pytest.mark.parametrize("kind", KINDS)
def test_g14_what_listens_would_be_seen(tmp_path: Path, ears: Path, kind: tuple[str, str]) -> None:
    cookie = f"{COOKIE}={tmp_path.name}"
    child = subprocess.Popen(
        [sys.executable, "-c", LISTENS, *kind, "name"],
        cwd=tmp_path,
        env={**os.environ, COOKIE: tmp_path.name},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "listening\n"
        assert [each.split()[1] for each in listeners(cookie)] == [str(child.pid)]
        assert "socket.bind" in ears.read_text()
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("mode", ["fork", "spawn", "in process"])
def test_g14_a_run_opens_no_listening_socket(
    cli: CommandLine, ears: Path, tell: Callable[[str], None], mode: str
) -> None:
    cli.write("run.py", PIPELINE)
    marks = {COOKIE: f"{cli.home}-{mode}"} | ({"DOVETAIL_START_METHOD": mode} if mode != "in process" else {})
    watch = Watch(f"{COOKIE}={cli.home}-{mode}")
    arguments = ["--in-process"] if mode == "in process" else []
    with watch.on():
        answer = cli("run", "run.py", "--quiet", *arguments, env=marks)
    assert answer.code == 0, answer.err
    assert watch.found == set()
    assert ears.read_text() == ""
    assert len(watch.seen) >= (1 if mode == "in process" else 4)
    tell(f"a run ({mode}): {len(watch.seen)} processes, {watch.looks} looks, no listener, nobody called")


def test_g14_a_command_that_reads_opens_no_socket_at_all(
    cli: CommandLine, ears: Path, tell: Callable[[str], None]
) -> None:
    cli.write("run.py", PIPELINE)
    watch = Watch(f"{COOKIE}={cli.home}")
    with watch.on():
        assert cli("run", "run.py", "--in-process", "--quiet").code == 0
        answer = cli.python("-c", COMMANDS, *READING, env={COOKIE: str(cli.home)})
    assert answer.code == 0, answer.err
    assert "exit code" not in answer.err, answer.err
    assert watch.found == set()
    assert watch.seen
    assert ears.read_text() == ""
    tell(f"{len(READING)} commands that read: no listener, nobody called")


class Links(HTMLParser):
    """Collects whatever a page would load or lead to, and what could run."""

    LEADING = (
        "src",
        "href",
        "srcset",
        "data",
        "action",
        "formaction",
        "poster",
        "background",
        "ping",
        "cite",
    )

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "base", "link", "form"}:
            self.active.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name == "http-equiv" and (value or "").lower() == "refresh"):
                self.active.append(f"{tag} {name}")
            if name.partition(":")[2] in self.LEADING or name in self.LEADING:
                self.outside += [value] if value and not value.startswith(("#", "data:image/")) else []


def test_g14_the_page_of_a_run_loads_nothing_and_runs_nothing(cli: CommandLine) -> None:
    cli.write("run.py", PIPELINE)
    assert cli("run", "run.py", "--quiet", "--in-process").code == 0
    assert cli("run", "page", "last", "-o", "page.html").code == 0
    page = (cli.directory / "page.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert (links.outside, links.active) == ([], [])
    assert re.findall(r"(?i)@import|url\(\s*[\"']?(?!#|data:)", page) == []
    assert "default-src 'none'" in page

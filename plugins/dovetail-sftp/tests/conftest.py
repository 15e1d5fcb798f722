"""A real sshd of this machine on a free port, and stores on it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dovetail_sftp.artifact_store import SftpArtifactStore
from dovetail_sftp.settings import SftpArtifactStoreConfig

_CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/pid
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100
Subsystem sftp internal-sftp
"""


@dataclass
class Server:
    """An sshd, the keys that open it, and the file in which it is known."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the server's own key."""
        return _said("ssh-keygen", "-lf", str(self.folder / "host_key.pub")).split()[1]

    def children(self) -> set[int]:
        """The processes that sshd has for its connections."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(each) for each in found.split()}

    def hang_up(self) -> None:
        """End every connection, in the middle of whatever it does."""
        for child in self.children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def settings(self, path: Path, **more: Any) -> SftpArtifactStoreConfig:
        """What a store on a folder of this server is configured with."""
        values = {
            "url": f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{path}",
            "private_key": self.folder / "key",
            "known_hosts": self.folder / "known_hosts",
            **more,
        }
        return SftpArtifactStoreConfig(**values)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        assert not os.environ.get("DOVETAIL_REQUIRE_REAL"), f"{name} is missing: apt-get install {package}"
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd that takes one key, for all tests."""
    sshd = _program("sshd", "openssh-server")
    folder = tmp_path_factory.mktemp("sshd")
    for name, phrase in (("host_key", ""), ("key", ""), ("locked_key", "correct horse"), ("stranger", "")):
        _said("ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", str(folder / name))
    keys = [(folder / f"{name}.pub").read_text() for name in ("key", "locked_key")]
    (folder / "authorized_keys").write_text("".join(keys))
    port = _free_port()
    kind, key, *_ = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "conf").write_text(_CONFIGURATION.format(port=port, folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "conf")], stderr=log)
    try:
        _wait_for(port, process, folder / "log")
        yield Server(folder, port, process)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
            if asked.recv(4) == b"SSH-":
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the server in which the store of a test lies."""
    return tmp_path / "artifacts"


@pytest.fixture
def make(server: Server, folder: Path, tmp_path: Path) -> Iterator[Callable[..., SftpArtifactStore]]:
    """Make stores on the folder, with other settings if need be; they are closed at the end."""
    made: list[SftpArtifactStore] = []

    def make_one(at: Path = folder, **settings: Any) -> SftpArtifactStore:
        made.append(SftpArtifactStore("there", server.settings(at, **settings), home=tmp_path))
        return made[-1]

    yield make_one
    for each in made:
        each.close()


@pytest.fixture
def store(make: Callable[..., SftpArtifactStore]) -> SftpArtifactStore:
    """An empty store."""
    return make()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB in memory; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    options = f"size=4m,mode=1777,uid={os.getuid()}"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        assert not os.environ.get("DOVETAIL_REQUIRE_REAL"), done.stderr
        pytest.skip(f"no file system can be mounted here: {done.stderr}")
    yield place
    subprocess.run([*prefix, "umount", "--lazy", str(place)], check=False)

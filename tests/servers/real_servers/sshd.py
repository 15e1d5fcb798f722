"""The sshd of OpenSSH, which speaks SFTP."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from real_servers.loopback import free_port, greets, started, stop
from real_servers.presence import program

_INSTALL = "apt-get install openssh-server"
_PHRASES = {"host_key": "", "key": "", "locked_key": "correct horse", "stranger": ""}
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
class SshServer:
    """An sshd, the keys that open it (`key`, `locked_key`), one that does not, and where it is known."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the server's own key."""
        return _said("ssh-keygen", "-lf", str(self.folder / "host_key.pub")).split()[1]

    @property
    def key(self) -> Path:
        """The file of a key that opens it."""
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        """The file in which it is known."""
        return self.folder / "known_hosts"

    def url(self, path: Path) -> str:
        """Return the address of a folder of this machine."""
        return f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def children(self) -> set[int]:
        """Return the processes that sshd has for its connections."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(each) for each in found.split()}

    def hang_up(self) -> None:
        """End every connection, in the middle of whatever it does."""
        for child in self.children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


@contextmanager
def ssh_server() -> Iterator[SshServer]:
    """Run an sshd that takes two keys."""
    binary = program("sshd", _INSTALL)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="dovetail-ssh-") as directory:
        folder = Path(directory)
        _configure(folder, port)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        command = [binary, "-D", "-e", "-f", str(folder / "conf")]
        process = started(command, folder / "log", lambda: greets(port, b"SSH-"))
        try:
            yield SshServer(folder, port, process)
        finally:
            stop(process)


def _configure(folder: Path, port: int) -> None:
    for name, phrase in _PHRASES.items():
        _said("ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", str(folder / name))
    keys = [(folder / f"{name}.pub").read_text() for name in ("key", "locked_key")]
    (folder / "authorized_keys").write_text("".join(keys))
    kind, key, *_ = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "conf").write_text(_CONFIGURATION.format(port=port, folder=folder))


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

"""A real sshd of this machine on a free port, and stores on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_sftp.artifact_store import SftpArtifactStore
from dovetail_sftp.settings import SftpArtifactStoreConfig
from real_servers.presence import missing
from real_servers.sshd import SshServer, ssh_server


@pytest.fixture(scope="session")
def server() -> Iterator[SshServer]:
    """An sshd that takes one key, for all tests."""
    with ssh_server() as running:
        yield running


@pytest.fixture
def settings(server: SshServer) -> Callable[..., SftpArtifactStoreConfig]:
    """What a store on a folder of the server is configured with."""

    def configured(path: Path, **more: Any) -> SftpArtifactStoreConfig:
        values = {"private_key": server.key, "known_hosts": server.known_hosts, **more}
        return SftpArtifactStoreConfig(**{"url": server.url(path), **values})

    return configured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the server in which the store of a test lies."""
    return tmp_path / "artifacts"


@pytest.fixture
def make(
    settings: Callable[..., SftpArtifactStoreConfig], folder: Path, tmp_path: Path
) -> Iterator[Callable[..., SftpArtifactStore]]:
    """Make stores on the folder, with other settings if need be; they are closed at the end."""
    made: list[SftpArtifactStore] = []

    def make_one(at: Path = folder, **changed: Any) -> SftpArtifactStore:
        made.append(SftpArtifactStore("there", settings(at, **changed), home=tmp_path))
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
        missing(f"no file system can be mounted here: {done.stderr}")
    yield place
    subprocess.run([*prefix, "umount", "--lazy", str(place)], check=False)

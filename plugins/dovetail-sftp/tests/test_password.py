"""A login by password, and a server that is not OpenSSH: the one of asyncssh."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from dovetail.plugin import StoreError
from dovetail_sftp.artifact_store import SftpArtifactStore
from dovetail_sftp.settings import SftpArtifactStoreConfig

pytestmark = pytest.mark.real

USER, PASSWORD = "anna", "canary-of-the-password"


class _TakesPasswords(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@pytest.fixture(scope="module")
def door() -> Iterator[dict[str, Any]]:
    """Run a server that knows one user by a password; gives what leads to it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_TakesPasswords, server_host_keys=[key], sftp_factory=True
        )

    async def stop() -> None:
        acceptor.close()
        await acceptor.wait_closed()

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    yield {"port": acceptor.get_port(), "host_key": key.get_fingerprint()}
    asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


@pytest.fixture
def store_with(door: dict[str, Any], tmp_path: Path) -> Iterator[Callable[[str], SftpArtifactStore]]:
    """Return what makes a store whose user has this password."""
    made = []

    def make(password: str) -> SftpArtifactStore:
        url = f"sftp://{USER}@127.0.0.1:{door['port']}{tmp_path}/artifacts"
        config = SftpArtifactStoreConfig(url=url, password=password, host_key=door["host_key"])
        made.append(SftpArtifactStore("there", config, home=tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_who_has_the_password_stores_and_reads(store_with: Callable[[str], SftpArtifactStore]) -> None:
    store = store_with(PASSWORD)
    data = bytes(range(256)) * 4000
    store.put("a/large", data)
    store.put("a/small", b"1")
    assert store.get("a/large") == data
    assert sorted(path for path, *_ in store.entries("a")) == ["a/large", "a/small"]


def test_a_wrong_password_is_told_and_not_shown(store_with: Callable[[str], SftpArtifactStore]) -> None:
    with pytest.raises(StoreError, match=f"the server refuses the credentials of user '{USER}'") as caught:
        store_with("canary-that-is-wrong").put("a/b", b"1")
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    assert "'password'" in str(caught.value.hint)

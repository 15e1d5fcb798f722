from __future__ import annotations

import getpass
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import StoreError
from dovetail_sftp.artifact_store import SftpArtifactStore
from dovetail_sftp.blocks import write_blocks

pytestmark = pytest.mark.real
_LARGE = bytes(range(256)) * (1 << 16)

Make = Callable[..., SftpArtifactStore]


def refusal(store: SftpArtifactStore) -> StoreError:
    with pytest.raises(StoreError, match="a/refused") as caught:
        store.put("a/refused", b"1")
    return caught.value


class CuttingProxy:
    """Passes bytes on to a server, and cuts a connection after so many of them, as often as it is told."""

    def __init__(self, port: int, after: int, times: int) -> None:
        self._server, self._after, self.left = port, after, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(("127.0.0.1", self._server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                passed += len(data)
                if self.left > 0 and passed > self._after:
                    self.left -= 1
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy(server: Any) -> Iterator[Callable[[int, int], CuttingProxy]]:
    made: list[CuttingProxy] = []

    def make(after: int, times: int) -> CuttingProxy:
        made.append(CuttingProxy(server.port, after, times))
        return made[-1]

    yield make
    for each in made:
        each.close()


def through(proxy: CuttingProxy, server: Any, folder: Path) -> dict[str, Any]:
    return {
        "url": f"sftp://{getpass.getuser()}@127.0.0.1:{proxy.port}{folder}",
        "known_hosts": None,
        "host_key": server.fingerprint,
    }


def files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir())


def test_an_unknown_host_key_is_refused_with_its_fingerprint(server: Any, make: Make, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("")
    error = refusal(make(known_hosts=tmp_path / "none"))
    assert server.fingerprint in error.message
    assert "unknown" in error.message
    assert f"artifact-store update there --host-key {server.fingerprint}" in (error.hint or "")


def test_a_device_that_is_empty_knows_no_host_key(server: Any, make: Make) -> None:
    error = refusal(make(known_hosts=Path("/dev/null")))
    assert "it is unknown: '/dev/null' has no key of this server" in error.message
    assert server.fingerprint in error.message


def test_known_hosts_that_are_no_plain_file_are_told_from_those_that_are_not_there(
    make: Make, tmp_path: Path
) -> None:
    error = refusal(make(known_hosts=tmp_path))
    assert f"{str(tmp_path)!r} with host keys is no plain file" in error.message
    error = refusal(make(known_hosts=tmp_path / "none"))
    assert f"there is no file {str(tmp_path / 'none')!r} with host keys" in error.message


def test_a_changed_host_key_is_refused_with_both_fingerprints(
    server: Any, make: Make, tmp_path: Path
) -> None:
    kind, key, *_ = (server.folder / "stranger.pub").read_text().split()
    (tmp_path / "other").write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    error = refusal(make(known_hosts=tmp_path / "other"))
    assert "has changed" in error.message
    assert error.message.count("SHA256:") == 2
    assert server.fingerprint in error.message


def test_a_pinned_fingerprint_is_all_that_is_trusted(server: Any, make: Make, folder: Path) -> None:
    make(known_hosts=None, host_key=server.fingerprint).put("a/b", b"1")
    assert files(folder) == ["a/b"]
    error = refusal(make(host_key="SHA256:" + "A" * 43))
    assert "setting 'host_key' names SHA256:AAAA" in error.message


def test_wrong_credentials_are_one_clear_error(server: Any, make: Make) -> None:
    error = refusal(make(private_key=server.folder / "stranger"))
    assert "refuses the credentials" in error.message
    error = refusal(make(private_key=None, password="swordfish"))
    assert "refuses the credentials" in error.message
    assert "swordfish" not in str(error)


def test_a_private_key_is_opened_with_its_passphrase(server: Any, make: Make, folder: Path) -> None:
    locked = server.folder / "locked_key"
    make(private_key=locked, passphrase="correct horse").put("a/b", b"1")
    assert files(folder) == ["a/b"]
    for settings in ({}, {"passphrase": "wrong donkey"}):
        error = refusal(make(private_key=locked, **settings))
        assert "cannot be opened" in error.message
        assert "wrong donkey" not in str(error)
    error = refusal(make(private_key=locked / "nowhere"))
    assert "cannot be read" in error.message
    assert "private_key" in (error.hint or "")


def test_a_server_that_is_not_there_is_named_at_once(make: Make, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    began = time.monotonic()
    error = refusal(make(url=f"sftp://127.0.0.1:{port}{folder}"))
    assert f"port {port}, cannot be reached" in error.message
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("after", [2_000, 6_000, 300_000, 9_000_000])
def test_an_upload_survives_connections_that_are_cut(
    server: Any, make: Make, folder: Path, proxy: Callable[[int, int], CuttingProxy], after: int
) -> None:
    way = proxy(after, 3)
    make(**through(way, server, folder)).put("a/b", _LARGE)
    assert (folder / "a/b").read_bytes() == _LARGE
    assert files(folder) == ["a/b"]
    assert (way.left, way.accepted) == (0, 4)


def test_a_download_survives_connections_that_are_cut(
    server: Any, make: Make, store: SftpArtifactStore, folder: Path, proxy: Callable[[int, int], CuttingProxy]
) -> None:
    store.put("a/b", _LARGE)
    way = proxy(5_000_000, 2)
    cut = make(**through(way, server, folder))
    with cut.open("a/b") as stream:
        assert stream.read() == _LARGE
    assert way.left == 0
    assert make(**through(proxy(5_000_000, 1), server, folder)).get("a/b") == _LARGE


def test_a_way_that_always_cuts_ends_in_one_error_and_nothing_in_sight(
    server: Any, make: Make, folder: Path, proxy: Callable[[int, int], CuttingProxy]
) -> None:
    way = proxy(300_000, 1000)
    cut = make(**through(way, server, folder), attempts=3)
    with pytest.raises(StoreError, match="connection was lost"):
        cut.put("a/b", _LARGE)
    assert way.accepted == 3
    assert list(make().entries()) == []


def test_what_is_written_to_a_lost_connection_is_not_in_the_log(
    server: Any,
    store: SftpArtifactStore,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = []

    async def write_after_the_end(*arguments: Any) -> None:
        begun.append(arguments)
        if len(begun) < 4:
            server.hang_up()
            time.sleep(0.2)  # noqa: ASYNC251 - the loop must not see the end before it has written
        await write_blocks(*arguments)

    monkeypatch.setattr("dovetail_sftp.publication.write_blocks", write_after_the_end)
    store.put("a/b", _LARGE)
    assert len(begun) == 4
    assert (folder / "a/b").read_bytes() == _LARGE
    assert [each.getMessage() for each in caplog.records if each.name == "asyncio"] == []


def test_nothing_is_doubled_when_the_server_hangs_up_again_and_again(
    server: Any, store: SftpArtifactStore, folder: Path
) -> None:
    store.put("warm", b"")
    done = threading.Event()

    def hang_up() -> None:
        for _ in range(12):
            if done.wait(0.15):
                return
            server.hang_up()

    murderer = threading.Thread(target=hang_up)
    murderer.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: store.put(f"a/{n}", bytes([n]) * 300_000), range(60)))
    finally:
        done.set()
        murderer.join()
    assert sorted(store.entries("a")) == sorted((f"a/{n}", 300_000) for n in range(60))
    assert all((folder / f"a/{n}").read_bytes() == bytes([n]) * 300_000 for n in range(60))
    assert files(folder) == sorted(["warm", *(f"a/{n}" for n in range(60))])

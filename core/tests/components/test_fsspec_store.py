from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.components.fsspec_store import FsspecArtifactStore, FsspecArtifactStoreConfig
from dovetail.errors import ArtifactError, IntegrationError, StoreError
from dovetail.names import new_id
from dovetail.testing.artifact_store import ArtifactStoreContract


class WholeFilesStore(FsspecArtifactStore):
    whole_files = True
    exclusive_create = True
    spool = 1 << 16


def made(url: str, kind: type[FsspecArtifactStore] = FsspecArtifactStore) -> FsspecArtifactStore:
    return kind("remote", FsspecArtifactStoreConfig(url=url), home=Path("unused"))


def files_below(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())


@pytest.mark.filterwarnings("ignore::dovetail.testing.capability.UndeclaredCapabilityWarning")
class TestOnLocalFiles(ArtifactStoreContract):
    """fsspec's local file system shows half-written files: it needs temporary names."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        (tmp_path / "store").mkdir()
        return made(f"file://{tmp_path}/store")

    @pytest.fixture
    def broken(self, tmp_path: Path) -> ArtifactStore:
        (tmp_path / "taken").write_text("a file where the store should be")
        return made(f"file://{tmp_path}/taken")

    def everything(self, store: ArtifactStore) -> list[str]:
        assert isinstance(store, FsspecArtifactStore)
        return files_below(Path(store.root))


class TestInMemory(ArtifactStoreContract):
    """fsspec's memory shows files when they are whole, and refuses to replace one."""

    @pytest.fixture
    def store(self) -> ArtifactStore:
        return made(f"memory://{new_id()}", WholeFilesStore)

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
        store = made(f"memory://{new_id()}", WholeFilesStore)

        def refuse(*_: object, **__: object) -> None:
            raise TimeoutError("nobody answers")

        monkeypatch.setattr(type(store.filesystem), "pipe_file", refuse)
        monkeypatch.setattr(type(store.filesystem), "put_file", refuse)
        return store


def test_a_file_that_is_sent_half_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(f"file://{tmp_path}")

    def half(system: Any, path: str, data: bytes, **_: object) -> None:
        Path(path).write_bytes(data[:3])
        raise ConnectionResetError("gone")

    monkeypatch.setattr(type(store.filesystem), "pipe_file", half)
    with pytest.raises(StoreError, match=r"write 6 bytes.*gone"):
        store.put("a/b", b"123456")
    assert files_below(tmp_path) == []


def test_a_large_file_is_sent_from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(f"memory://{new_id()}", WholeFilesStore)
    monkeypatch.setattr(type(store.filesystem), "pipe_file", None)
    with store.create("a/large") as stream:
        for _ in range(3):
            stream.write(bytes(store.spool))
    assert store.size("a/large") == 3 * store.spool


def test_a_connection_that_breaks_while_reading_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(f"memory://{new_id()}", WholeFilesStore)
    store.put("a/b", b"123")
    stream = store.open("a/b")
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFile.readinto", lambda *_: 1 / 0, raising=False)
    with pytest.raises(StoreError, match="a/b"):
        stream.read()


def test_a_url_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(IntegrationError, match="Install s3fs") as caught:
        made("s3://bucket").get("a/b")
    assert caught.value.hint


def test_a_url_of_no_protocol_is_refused() -> None:
    with pytest.raises((StoreError, IntegrationError)):
        made("gopher://host/x").put("a/b", b"")


def test_reach_follows_the_url(tmp_path: Path) -> None:
    assert made("memory://x").reach is Reach.PROCESS
    assert made(f"file://{tmp_path}").reach is Reach.HOST
    assert made("s3://bucket").reach is Reach.NETWORK


def test_a_link_in_the_place_of_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to("/etc/passwd")
    assert made(f"file://{tmp_path}").size("a/b") is None
    assert list(made(f"file://{tmp_path}").entries()) == []


def test_a_forked_process_gets_a_file_system_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(f"memory://{new_id()}")
    made_for = []
    monkeypatch.setattr(
        fsspec.core, "url_to_fs", lambda *_, **__: made_for.append(os.getpid()) or (object(), "/x")
    )
    first = store.filesystem
    assert store.filesystem is first
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert store.filesystem is not first
    assert len(made_for) == 2


def test_missing_files_are_artifact_errors(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="a/none"):
        made(f"file://{tmp_path}").get("a/none")

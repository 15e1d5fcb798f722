from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.errors import StoreError
from dovetail.testing.artifact_store import ArtifactStoreContract


class TestMemoryArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return MemoryArtifactStore("mine", MemoryArtifactStoreConfig(), home=tmp_path)

    @pytest.fixture
    def broken(self, tmp_path: Path) -> ArtifactStore:
        return MemoryArtifactStore("small", MemoryArtifactStoreConfig(limit=50), home=tmp_path)


def test_stores_of_one_name_and_home_share_what_they_hold(tmp_path: Path) -> None:
    def made(name: str, home: Path) -> MemoryArtifactStore:
        return MemoryArtifactStore(name, MemoryArtifactStoreConfig(), home=home)

    made("one", tmp_path).put("a/b", b"1")
    assert made("one", tmp_path).get("a/b") == b"1"
    assert made("two", tmp_path).size("a/b") is None
    assert made("one", tmp_path / "other").size("a/b") is None
    assert made("one", tmp_path).reach is Reach.PROCESS


def test_a_full_store_keeps_what_it_has_and_takes_more_after_a_delete(tmp_path: Path) -> None:
    store = MemoryArtifactStore("small", MemoryArtifactStoreConfig(limit=5), home=tmp_path)
    store.put("a/b", b"123")
    with pytest.raises(StoreError, match=r"no space left.*hold 3 bytes"):
        store.put("a/c", b"456")
    store.delete("a/b")
    store.put("a/c", b"456")
    assert list(store.entries()) == [("a/c", 3)]

"""The contract of artifact stores on the stores that faults are planted in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail.testing.faults import Faults


def kit(store: type[Any]) -> type[Any]:
    """Return the contract on stores of this class, in memory or in a directory."""
    return _in_memory(store) if issubclass(store, MemoryArtifactStore) else _in_a_directory(store)


def _in_memory(faulty: type[Any]) -> type[Any]:
    class InMemory(ArtifactStoreContract):
        @pytest.fixture
        def store(self, tmp_path: Path) -> ArtifactStore:
            return faulty("mine", MemoryArtifactStoreConfig(), home=tmp_path)

        @pytest.fixture
        def broken(self, tmp_path: Path) -> ArtifactStore:
            return faulty("small", MemoryArtifactStoreConfig(limit=50), home=tmp_path)

    return InMemory


def _in_a_directory(faulty: type[Any]) -> type[Any]:
    class InADirectory(ArtifactStoreContract):
        @pytest.fixture
        def store(self, tmp_path: Path) -> ArtifactStore:
            return faulty("mine", LocalArtifactStoreConfig(path=str(tmp_path / "store")), home=tmp_path)

        @pytest.fixture
        def broken(self, tmp_path: Path) -> ArtifactStore:
            (tmp_path / "taken").write_text("a file where the store should be")
            return faulty("mine", LocalArtifactStoreConfig(path=str(tmp_path / "taken")), home=tmp_path)

        def everything(self, store: ArtifactStore) -> list[str]:
            root = Path(store.root)
            return sorted(each.relative_to(root).as_posix() for each in root.rglob("*") if not each.is_dir())

    return InADirectory


FAULTS = Faults(kit, ArtifactStoreContract)
CORRECT = SimpleNamespace(memory=kit(MemoryArtifactStore), local=kit(LocalArtifactStore))

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.plugin import ArtifactStore
from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail_sftp.artifact_store import SftpArtifactStore

pytestmark = pytest.mark.real


class TestSftpArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, make: Callable[..., SftpArtifactStore], folder: Path) -> SftpArtifactStore:
        self.folder = folder
        return make()

    @pytest.fixture
    def broken(self, make: Callable[..., SftpArtifactStore]) -> SftpArtifactStore:
        return make(Path("/proc/nothing"))

    def everything(self, store: ArtifactStore) -> list[str]:
        return [str(each.relative_to(self.folder)) for each in self.folder.rglob("*") if not each.is_dir()]


class TestSendingAhead(TestSftpArtifactStore):
    """With pieces so small that nearly every file is sent while it is being written."""

    @pytest.fixture(autouse=True)
    def small_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SftpArtifactStore, "piece", 1 << 12)

"""The SQLite store keeps the contract, with both kinds of locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.store_process import Place


class TestSqlite(MetadataStoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Place("dovetail.builtin.sqlite:SqliteMetadataStore", tmp_path / "wit spåce?#%")


class TestSqliteWithLockFiles(MetadataStoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        return Place("file_locked:FileLockedStore", tmp_path)

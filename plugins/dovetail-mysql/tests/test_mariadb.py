"""The store keeps the contract on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.store_process import Place

pytestmark = pytest.mark.real


class TestMariadb(MetadataStoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path, settings: dict[str, Any]) -> Place:
        return Place("dovetail_mysql.store:MysqlMetadataStore", tmp_path, settings)

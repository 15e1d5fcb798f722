"""What earlier releases have stored is read by this one."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.sql import SCHEMA

FILE = Path(__file__).with_name("released_store.py")


@pytest.fixture(scope="module")
def released() -> ModuleType:
    spec = importlib.util.spec_from_file_location("released_store", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_a_released_store_of_every_version() -> None:
    names = {each.stem for each in FILE.with_name("released").glob("*.sql")}
    assert names == {f"metadata_v{version}" for version in range(1, SCHEMA.version + 1)}


@pytest.mark.parametrize("version", range(1, SCHEMA.version + 1))
def test_a_released_store_says_what_it_said(
    released: ModuleType, make_store: Callable[..., SqliteMetadataStore], tmp_path: Path, version: int
) -> None:
    said = released.restore(version, tmp_path / "metadata.db")
    with make_store() as store:
        store.open()
        assert json.loads(json.dumps(released.told(store))) == said

"""Stores on a place of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig

Make = Callable[..., SqliteMetadataStore]


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Make]:
    """Make stores, not opened yet, that are closed after the test."""
    with ExitStack() as opened:

        def make(
            kind: type[SqliteMetadataStore] = SqliteMetadataStore, home: Path = tmp_path, **config: Any
        ) -> SqliteMetadataStore:
            store = kind("facts", SqliteMetadataStoreConfig(**config), home=home)
            opened.callback(store.close)
            return store

        yield make

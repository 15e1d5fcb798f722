"""A server that goes away for good is waited for once, by all calls of a store together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import StoreError
from dovetail_mysql.settings import MysqlMetadataStoreConfig
from dovetail_mysql.store import MysqlMetadataStore
from real_servers.mariadb import MariadbServer

pytestmark = pytest.mark.real


class Counting(MysqlMetadataStore):
    """Counts how often it connects."""

    attempts = 0

    def connect(self) -> Any:
        self.attempts += 1
        return super().connect()

    def tries_of(self, call: Callable[[], object]) -> int:
        """Return how often a call that is refused has connected."""
        before = self.attempts
        with pytest.raises(StoreError, match="cannot be reached"):
            call()
        return self.attempts - before


@pytest.fixture
def store(tmp_path: Path, settings: dict[str, Any]) -> Iterator[Counting]:
    config = MysqlMetadataStoreConfig(**{**settings, "patience": 1.0})
    with Counting("my", config, home=tmp_path) as store:
        store.open()
        yield store


def test_after_the_patience_calls_try_once_until_one_is_answered(
    store: Counting, server: MariadbServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    try:
        assert store.tries_of(store.count) > 1
        assert [store.tries_of(each) for each in (store.count, store.pipelines, store.count)] == [1, 1, 1]
    finally:
        server.start()
    assert store.count()["runs"] == 0
    away = "metadata store 'my' does not answer; waiting for it, up to 1 s"
    assert caplog.messages == [away, "metadata store 'my' answers again"]

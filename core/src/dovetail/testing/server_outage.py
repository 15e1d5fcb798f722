"""What a store does whose server is away for good.

::

    class TestMyOutage(ServerOutage):
        @pytest.fixture
        def place(self, ...):
            return Place("my_wheel.store:MyMetadataStore", tmp_path, {"host": ..., "patience": 1.0})

A fixture `server` gives a `DatabaseServer`, from the class or from a conftest.
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dovetail.errors import StoreError
from dovetail.testing.not_given import not_given
from dovetail.testing.server_database import DatabaseServer
from dovetail.testing.store_process import Place


class ServerOutage:
    """One outage is one patience, for all calls of a store. Give `place`, and `server` beside the class."""

    @pytest.fixture
    def place(self) -> Place:
        """Return an empty place, with a short patience."""
        raise not_given("place")

    def test_after_the_patience_calls_try_once_until_one_is_answered(
        self,
        place: Place,
        server: DatabaseServer,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with place.store() as store:
            store.open()
            attempts = _counted(store, monkeypatch)
            server.stop()
            try:
                assert attempts(store.count) > 1
                assert [attempts(each) for each in (store.count, store.pipelines, store.count)] == [1, 1, 1]
            finally:
                server.start()
            assert store.count()["runs"] == 0
        away, back = caplog.messages
        assert away.endswith("does not answer; waiting for it, up to 1 s")
        assert back.endswith("answers again")


def _counted(store: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:  # noqa: ANN401
    """Return what says how often a call that is refused has connected."""
    connections = []
    connect = store.connect

    def counting() -> Any:  # noqa: ANN401 - of the driver
        connections.append(1)
        return connect()

    def attempts(call: Callable[[], object]) -> int:
        before = len(connections)
        with pytest.raises(StoreError, match="cannot be reached"):
            call()
        return len(connections) - before

    monkeypatch.setattr(store, "connect", counting)
    return attempts

"""The watch of a run: what it finds in the store, when it starts, and that a store that refuses is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.memory_artifact_store import MemoryArtifactStore, MemoryArtifactStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import StoreError
from dovetail.execution.cancelling import watch as module
from dovetail.execution.cancelling.request import CancelRequest
from dovetail.execution.cancelling.watch import CancelWatch
from dovetail.records.request import EndRequest, request_path
from dovetail.records.run import RunRecord, Status
from dovetail.records.stack import StackRecord

RUN = RunRecord(
    id="run", name="run", pipeline="p", plan_digest="", status=Status.RUNNING, epoch=3, started=1,
    stack=StackRecord(name="s"),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    monkeypatch.setattr(module, "PERIOD", 0.02)
    return MemoryArtifactStore("memory", MemoryArtifactStoreConfig(), home=tmp_path)


def watch(cancel: CancelRequest, store: ArtifactStore) -> CancelWatch:
    return CancelWatch(cancel, store, RUN, grace=1.0, end=lambda: None)


def leave(store: ArtifactStore, epoch: int, *, insist: bool = False) -> None:
    request = EndRequest(format=1, run_id=RUN.id, epoch=epoch, insist=insist, asked=1)
    store.put(request_path(RUN.id, epoch, insist=insist), request.to_json())


def test_a_request_of_this_epoch_is_found_and_those_of_others_are_not(
    store: ArtifactStore, until: Callable[..., Any]
) -> None:
    cancel = CancelRequest()
    watching = watch(cancel, store)
    leave(store, 2)
    leave(store, 4)
    watching.start()
    time.sleep(0.1)
    assert not cancel.requested()
    leave(store, 3)
    until(cancel.requested, 10)
    assert not cancel.insisted()
    leave(store, 3, insist=True)
    until(cancel.insisted, 10)
    watching.close()


def test_a_run_that_is_short_has_no_thread(store: ArtifactStore) -> None:
    watching = watch(CancelRequest(), store)
    watching.keep()
    assert watching._thread is None
    time.sleep(0.03)
    watching.keep()
    assert watching._thread is not None
    watching.close()
    assert not watching._thread.is_alive()


def test_a_store_that_refuses_is_told_and_ends_nothing(
    store: ArtifactStore, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise StoreError("no connection")

    monkeypatch.setattr(store, "size", refuse)
    cancel = CancelRequest()
    watching = watch(cancel, store)
    watching.start()
    until(lambda: watching.trouble, 10)
    watching.close()
    assert "no connection" in str(watching.trouble)
    assert not cancel.requested()

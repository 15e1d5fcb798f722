"""The part of the contract of metadata stores that is about servers: they restart, and connections drop.

::

    class TestMyServer(ServerContract):
        @pytest.fixture
        def place(self, ...):
            return Place("my_wheel.store:MyMetadataStore", tmp_path, {"host": ...})

A fixture `server` gives a `DatabaseServer`, from the class or from a conftest.
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from dovetail.components.metadata_store import Facts, MetadataStore, RunQuery
from dovetail.errors import LeaseError
from dovetail.names import new_id
from dovetail.records.run import Status
from dovetail.testing.begun_run import begun, done
from dovetail.testing.not_given import not_given
from dovetail.testing.run_facts import completed, ended, failed, metric
from dovetail.testing.store_process import (
    Place,
    eventually,
    held_elsewhere,
    recording_elsewhere,
    torn_steps,
)


class DatabaseServer(Protocol):
    """A server as the tests treat it."""

    def restart(self) -> None:
        """Stop the server as its administrator would, and start it again in its place."""

    def stop(self) -> None:
        """Stop the server as its administrator would."""

    def start(self) -> None:
        """Start it in its place."""

    def drop_connections(self) -> None:
        """End all sessions of everybody; the server stays."""


class ServerContract:
    """Numbers 35 to 39 of docs/contracts/metadata-store.md. Give `place`, and `server` beside the class."""

    @pytest.fixture
    def place(self) -> Place:
        """Return an empty place."""
        raise not_given("place")

    @pytest.fixture
    def store(self, place: Place) -> Iterator[MetadataStore]:
        """Give an open store on the place."""
        with place.store() as store:
            store.open()
            yield store

    def test_35_a_restart_of_the_server_in_a_run_loses_nothing_and_doubles_nothing(
        self, store: MetadataStore, server: DatabaseServer
    ) -> None:
        run, lease = begun(store)
        outage = threading.Thread(target=server.restart)
        for number in range(60):
            if number == 20:  # noqa: PLR2004 - somewhere in the middle
                outage.start()
            facts = completed(run, f"step_{number}")
            facts.metrics.append(metric(run, f"step_{number}", "loss", 0.5))
            store.record(facts, lease)
        outage.join()
        store.finish(final := ended(run), lease)
        assert store.run(run.id) == final
        assert [each.step for each in store.steps(run.id)] == [f"step_{number}" for number in range(60)]
        found = store.count()
        assert {found[kind] for kind in ("step_runs", "attempts", "artifacts", "metrics")} == {60}
        assert torn_steps(store) == 0

    def test_36_a_lease_stays_when_its_connection_is_dropped(
        self, place: Place, store: MetadataStore, server: DatabaseServer
    ) -> None:
        run, lease = begun(store)
        for drop in (server.drop_connections, server.restart):
            drop()
            assert eventually(lambda: store.held([run.id]) == {run.id})
            with place.store() as other:
                other.open()
                with pytest.raises(LeaseError, match=run.id):
                    other.acquire(run.id)
                assert [each.id for each in other.runs(RunQuery(status=Status.RUNNING))] == [run.id]
        store.record(completed(run, "load"), lease)
        lease.release()
        assert store.held([run.id]) == set()
        store.acquire(run.id).release()

    @pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
    def test_37_who_lost_a_run_while_it_was_cut_off_records_nothing(
        self, place: Place, store: MetadataStore, server: DatabaseServer
    ) -> None:
        with recording_elsewhere(place) as (run, child, try_to_record):
            os.kill(child, signal.SIGSTOP)
            try:
                server.drop_connections()
                assert eventually(lambda: store.held([run.id]) == set())
                lease = store.acquire(run.id)
            finally:
                os.kill(child, signal.SIGCONT)
            assert lease.epoch > run.epoch
            store.begin(run, b"{}", lease)
            assert try_to_record().startswith("LeaseError")
            assert store.steps(run.id) == []
            store.record(completed(run, "load"), lease)

    def test_38_every_call_is_answered_after_connections_were_dropped(
        self, store: MetadataStore, server: DatabaseServer
    ) -> None:
        run, lease = begun(store)
        store.record(made := completed(run, "load", key="key"), lease)
        artifact = made.artifacts[0].id
        calls: list[Callable[[], object]] = [
            lambda: store.cached("key"),
            lambda: store.run(run.id),
            lambda: store.runs(RunQuery(prefix=run.id)),
            lambda: store.plan(run.plan_digest),
            store.pipelines,
            lambda: store.steps(run.id),
            lambda: store.attempts(run.id),
            lambda: store.artifacts_by_id([artifact]),
            lambda: store.consumers(artifact),
            lambda: store.metrics(run.id),
            store.unreferenced,
            lambda: store.held([run.id]),
            lambda: store.record(failed(run, "train"), lease),
            lambda: store.record(Facts(metrics=[metric(run, "load", "x", 1.0)]), lease),
            lambda: store.finish(ended(run), lease),
            lambda: done(store),
            lambda: store.forget_artifacts([artifact]),
            lambda: store.delete_run(run.id, lease),
        ]
        for call in calls:
            server.drop_connections()
            call()
        assert store.run(run.id) is None

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_39_a_child_of_a_killed_holder_keeps_no_lease(self, place: Place, store: MetadataStore) -> None:
        run_id = new_id()
        with held_elsewhere(place, run_id, forked=True) as kill:
            assert store.held([run_id]) == {run_id}
            kill()
            assert eventually(lambda: store.held([run_id]) == set())

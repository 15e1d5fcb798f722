"""The contract of metadata stores as tests; their numbers are those of docs/contracts/metadata-store.md.

::

    class TestMyStore(MetadataStoreContract):
        @pytest.fixture
        def place(self, tmp_path):
            return Place("my_wheel.store:MyMetadataStore", tmp_path, {"url": ...})
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from dovetail.components.metadata_store import ArtifactQuery, Facts, MetadataStore, RunQuery
from dovetail.errors import LeaseError
from dovetail.names import is_id, new_id
from dovetail.records.run import Status, StepRunRecord
from dovetail.testing.begun_run import begun, done
from dovetail.testing.deletion import DeletionContract
from dovetail.testing.not_given import not_given
from dovetail.testing.run_facts import chain, completed, ended, failed, metric, new_artifact, new_run
from dovetail.testing.store_process import (
    Place,
    eventually,
    held_elsewhere,
    in_processes,
    kill_while_recording,
    opened,
    recorded,
    torn_steps,
    watched,
)

_NOTICED = 10.0
"""Seconds within which a store knows that a process is dead."""


@dataclass
class OldLease:
    """A lease that somebody else has taken over."""

    run_id: str
    epoch: int

    def release(self) -> None:
        """Do nothing."""


class MetadataStoreContract(DeletionContract):
    """What every metadata store does. Give a fixture `place`; everything else is here."""

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

    # 1 to 3: opening

    def test_01_a_fresh_place_is_opened_by_eight_processes_at_once(self, place: Place) -> None:
        assert in_processes([partial(opened, place)] * 8) == ["opened"] * 8

    def test_02_opening_twice_changes_nothing(self, place: Place, store: MetadataStore) -> None:
        run = done(store)
        before = store.run(run.id)
        assert before is not None
        store.open()
        with place.store() as other:
            other.open()
            assert other.run(run.id) == store.run(run.id) == before

    def test_03_a_closed_store_can_be_made_again_on_its_place(self, place: Place) -> None:
        with place.store() as first:
            first.open()
            run = done(first)
        with place.store() as second:
            second.open()
            assert [each.id for each in second.runs(RunQuery())] == [run.id]

    # 4 to 9: leases

    def test_04_a_run_has_one_holder_at_a_time(self, place: Place, store: MetadataStore) -> None:
        lease = store.acquire(new_id())
        with place.store() as other:
            other.open()
            for each in (store, other):
                with pytest.raises(LeaseError, match=lease.run_id):
                    each.acquire(lease.run_id)
            lease.release()
            other.acquire(lease.run_id).release()

    def test_05_a_lease_is_free_when_its_process_is_killed(self, place: Place, store: MetadataStore) -> None:
        run_id = new_id()
        with held_elsewhere(place, run_id) as kill:
            with pytest.raises(LeaseError):
                store.acquire(run_id)
            kill()
        assert eventually(lambda: _is_free(store, run_id), _NOTICED)

    def test_06_the_epoch_grows_with_every_acquisition(self, store: MetadataStore) -> None:
        run_id, epochs = new_id(), []
        for _ in range(3):
            lease = store.acquire(run_id)
            epochs.append(lease.epoch)
            lease.release()
            lease.release()
        assert epochs == sorted(set(epochs))

    def test_07_held_names_the_runs_that_have_a_live_holder(self, place: Place, store: MetadataStore) -> None:
        here, there, nowhere = new_id(), new_id(), new_id()
        lease = store.acquire(here)
        with held_elsewhere(place, there) as kill:
            assert store.held([here, there, nowhere]) == {here, there}
            lease.release()
            kill()
        assert eventually(lambda: store.held([here, there, nowhere]) == set(), _NOTICED)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_08_a_child_inherits_no_lease(self, store: MetadataStore) -> None:
        lease = store.acquire(new_id())
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        lease.release()
        try:
            assert store.held([lease.run_id]) == set()
        finally:
            os.close(writing)
            os.waitpid(child, 0)

    def test_09_writes_under_an_old_or_released_lease_are_refused(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        old = OldLease(run.id, lease.epoch - 1)
        with pytest.raises(LeaseError):
            store.record(completed(run, "load"), old)
        with pytest.raises(LeaseError):
            store.finish(ended(run), old)
        lease.release()
        with pytest.raises(LeaseError):
            store.record(completed(run, "load"), lease)
        assert store.steps(run.id) == []

    # 10 to 17: recording

    def test_10_begin_gives_sequence_and_epoch_and_keeps_the_plan(self, store: MetadataStore) -> None:
        first, _ = begun(store)
        second, lease = begun(store)
        assert second.sequence > first.sequence
        assert second.epoch == lease.epoch
        assert store.run(second.id) == second
        assert store.plan(second.plan_digest) == chain("load", "train").to_json()
        assert store.plan("blake3:none") is None

    def test_11_a_resumed_run_keeps_its_place_and_its_start(self, store: MetadataStore) -> None:
        run = done(store, Status.FAILED)
        lease = store.acquire(run.id)
        again = store.begin(new_run(id=run.id, name=run.name, started=run.started + 9), b"", lease)
        found = store.run(run.id)
        assert again.sequence == run.sequence
        assert found is not None
        assert (found.status, found.finished, found.started) == (Status.RUNNING, None, run.started)

    def test_12_recording_twice_is_recording_once(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        facts = completed(run, "load")
        facts.metrics.append(metric(run, "load", "loss", 0.5))
        store.record(facts, lease)
        before = dict(store.count())
        store.record(facts, lease)
        assert dict(store.count()) == before
        assert store.steps(run.id) == facts.steps
        assert store.attempts(run.id) == facts.attempts
        assert store.metrics(run.id) == facts.metrics

    def test_13_a_step_that_ended_well_stays_as_it_is(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        facts = completed(run, "load")
        store.record(facts, lease)
        store.record(completed(run, "load"), lease)
        store.record(failed(run, "load"), lease)
        assert store.steps(run.id) == facts.steps

    def test_14_a_step_that_did_not_end_well_is_replaced(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        store.record(failed(run, "load"), lease)
        facts = completed(run, "load")
        store.record(facts, lease)
        assert store.steps(run.id) == facts.steps
        assert [each.status for each in store.attempts(run.id)] == [Status.FAILED, Status.COMPLETED]

    def test_15_facts_are_recorded_whole_or_not_at_all(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        facts = completed(run, "load")
        facts.metrics.append(metric(new_run(), "load", "loss", 0.5))
        with pytest.raises(LeaseError):
            store.record(facts, lease)
        assert store.steps(run.id) == []
        assert store.count()["artifacts"] == 0

    def test_16_what_is_read_equals_what_was_recorded(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        store.record(failed(run, "load"), lease)
        text = "Ünï\x00cödé \U0001f600 '; drop table runs --"
        facts = completed(run, "train", parameters={text: [1.5, None, text]}, error="x" * 100_000)
        facts.artifacts.append(new_artifact(run, "train", "other", summary={"rows": 3}, metadata={"k": text}))
        store.record(facts, lease)
        store.finish(final := ended(run, Status.FAILED, error="no", commit="abc", dirty=True), lease)
        assert store.run(run.id) == final
        assert store.steps(run.id)[1:] == facts.steps
        assert store.artifacts_by_id([each.id for each in facts.artifacts]) == {
            each.id: each for each in facts.artifacts
        }

    def test_17_every_float_is_a_metric(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        values = [0.1, -1e300, float("inf"), float("-inf"), float("nan"), 5e-324]
        store.record(Facts(metrics=[metric(run, "load", "x", each, 2**40) for each in values]), lease)
        assert [repr(each.value) for each in store.metrics(run.id, "load")] == [repr(each) for each in values]

    # 18 to 25: asking

    def test_18_runs_come_newest_first_in_pages(self, store: MetadataStore) -> None:
        made = [done(store).id for _ in range(5)]
        first = store.runs(RunQuery(limit=2))
        rest = store.runs(RunQuery(limit=10, before=first[-1].sequence))
        assert [each.id for each in (*first, *rest)] == made[::-1]

    def test_19_runs_are_found_by_pipeline_status_name_and_prefix(self, store: MetadataStore) -> None:
        good = done(store, name="Good-1")
        bad = done(store, Status.FAILED, pipeline="other", name="bad-1")
        queries = {
            RunQuery(pipeline="training"): good,
            RunQuery(status=Status.FAILED): bad,
            RunQuery(name="Good-1"): good,
            RunQuery(prefix="Goo"): good,
            RunQuery(prefix=bad.id[:-1], pipeline="other", status=Status.FAILED): bad,
        }
        assert [[run.id for run in store.runs(query)] for query in queries] == [
            [run.id] for run in queries.values()
        ]
        assert store.runs(RunQuery(prefix="goo")) == []

    def test_20_an_unfinished_run_is_interrupted_when_nobody_holds_it(
        self, place: Place, store: MetadataStore
    ) -> None:
        run_id = new_id()
        with held_elsewhere(place, run_id) as kill:
            assert [each.id for each in store.runs(RunQuery(status=Status.RUNNING))] == [run_id]
            assert store.runs(RunQuery(status=Status.INTERRUPTED)) == []
            kill()
        done(store)
        assert eventually(lambda: store.held([run_id]) == set(), _NOTICED)
        assert [each.id for each in store.runs(RunQuery(status=Status.INTERRUPTED))] == [run_id]
        assert store.runs(RunQuery(status=Status.RUNNING)) == []
        found = store.run(run_id)
        assert found is not None
        assert found.status is Status.INTERRUPTED

    def test_20_interrupted_runs_are_found_behind_a_page_of_running_ones(self, store: MetadataStore) -> None:
        begun_runs = [begun(store) for _ in range(4)]
        for _, lease in begun_runs[:2]:
            lease.release()
        found = store.runs(RunQuery(status=Status.INTERRUPTED, limit=2))
        assert [each.id for each in found] == [run.id for run, _ in reversed(begun_runs[:2])]

    def test_21_the_cache_gives_the_newest_completed_step_of_a_key(self, store: MetadataStore) -> None:
        assert store.cached("key") is None
        run, lease = begun(store)
        store.record(completed(run, "load", key="key"), lease)
        newest = completed(run, "train", key="key")
        store.record(newest, lease)
        other, lease = begun(store)
        outputs = {"output": newest.artifacts[0].id}
        taken = completed(other, "load", key="key", status=Status.CACHED, cached_from=run.id, outputs=outputs)
        store.record(Facts(steps=taken.steps), lease)
        store.record(Facts(steps=[failed(other, "train").steps[0].model_copy(update={"key": "key"})]), lease)
        assert store.cached("key") == (newest.steps[0], {"output": newest.artifacts[0]})

    def test_22_steps_attempts_and_metrics_come_in_the_order_of_recording(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        for step in ("b", "a"):
            store.record(Facts(steps=[StepRunRecord(run_id=run.id, step=step, status=Status.RUNNING)]), lease)
        for step in ("a", "b"):
            facts = completed(run, step)
            facts.metrics += [metric(run, step, "z", 1.0), metric(run, step, "y", 2.0)]
            store.record(facts, lease)
        assert [each.step for each in store.steps(run.id)] == ["b", "a"]
        assert [each.step for each in store.attempts(run.id)] == ["a", "b"]
        assert [each.step for each in store.attempts(run.id, "b")] == ["b"]
        assert [each.name for each in store.metrics(run.id, "a")] == ["z", "y"]

    def test_23_artifacts_are_found_by_each_of_their_marks_in_pages(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        made = [new_artifact(run, "load", f"out_{number % 2}") for number in range(4)]
        made.append(new_artifact(run, "train", type=f"{'x' * 300}.Model"))
        store.record(Facts(artifacts=made), lease)
        newest = sorted((each.id for each in made), reverse=True)
        first = store.artifacts(ArtifactQuery(pipeline="training", limit=2))
        rest = store.artifacts(ArtifactQuery(run_id=run.id, before=first[-1].id))
        assert [each.id for each in (*first, *rest)] == newest
        assert len(store.artifacts(ArtifactQuery(step="load", output="out_1"))) == 2  # noqa: PLR2004 - of four
        assert store.artifacts(ArtifactQuery(type=made[-1].type)) == [made[-1]]
        assert store.artifacts(ArtifactQuery(type="x" * 300)) == []
        assert store.artifacts(ArtifactQuery(prefix=made[0].id)) == [made[0]]

    def test_24_consumers_are_the_steps_that_read_an_artifact(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        source = completed(run, "load")
        store.record(source, lease)
        reader = completed(run, "train", reads=source.artifacts[0])
        store.record(reader, lease)
        assert store.consumers(source.artifacts[0].id) == reader.steps
        assert store.consumers(reader.artifacts[0].id) == []

    def test_25_pipelines_come_by_name_with_count_and_last_start(self, store: MetadataStore) -> None:
        done(store, pipeline="b", started=5)
        done(store, pipeline="a", started=7)
        done(store, pipeline="b", started=6)
        assert store.pipelines() == [("a", 1, 7), ("b", 2, 6)]

    # 26 is in `DeletionContract`; 27 to 29: many at once

    def test_27_eight_processes_lose_nothing(self, place: Place, store: MetadataStore) -> None:
        runs = in_processes([partial(recorded, place, 20)] * 8)
        assert sorted(each.id for each in store.runs(RunQuery(status=Status.COMPLETED))) == sorted(runs)
        assert {len(store.steps(run)) for run in runs} == {20}
        assert store.count()["artifacts"] == 8 * 20

    def test_28_a_reader_sees_whole_transactions_while_others_write(self, place: Place) -> None:
        torn, *runs = in_processes([partial(watched, place, 1.0), *[partial(recorded, place, 50)] * 3])
        assert torn == 0
        assert [is_id(run) for run in runs] == [True] * 3

    def test_29_who_is_killed_while_recording_leaves_whole_transactions(self, place: Place) -> None:
        killed = 5
        kill_while_recording(place, killed)
        with place.store() as store:
            store.open()
            interrupted = RunQuery(status=Status.INTERRUPTED)
            assert eventually(lambda: len(store.runs(interrupted)) == killed, _NOTICED)
            runs = store.runs(interrupted)
            assert min(len(store.steps(run.id)) for run in runs) > 1
            assert torn_steps(store) == 0

    # 30 and 31: resumed runs

    def test_30_a_reopened_step_that_had_ended_well_is_replaced(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        lost, kept = completed(run, "load", key="key"), completed(run, "train")
        for facts in (lost, kept):
            store.record(facts, lease)
        voided = failed(run, "load").steps
        store.record(Facts(steps=[*voided, *failed(run, "train").steps], reopened=["load"]), lease)
        assert store.steps(run.id) == [*voided, *kept.steps]
        assert store.cached("key") is None
        anew = completed(run, "load", key="key")
        store.record(anew, lease)
        store.record(failed(run, "load"), lease)
        assert store.steps(run.id) == [*anew.steps, *kept.steps]
        assert store.cached("key") == (anew.steps[0], {"output": anew.artifacts[0]})

    def test_31_a_run_resumed_with_another_plan_has_that_plan(self, store: MetadataStore) -> None:
        run = done(store, Status.FAILED)
        other = done(store, Status.FAILED)
        plan = chain("load", "check")
        for each in (run, other):
            lease = store.acquire(each.id)
            store.begin(each.model_copy(update={"plan_digest": plan.content_digest()}), plan.to_json(), lease)
            lease.release()
            found = store.run(each.id)
            assert found is not None
            assert store.plan(found.plan_digest) == plan.to_json()
            assert (store.plan(run.plan_digest) is None) is (each is other)


def _is_free(store: MetadataStore, run_id: str) -> bool:
    try:
        store.acquire(run_id).release()
    except LeaseError:
        return False
    return True

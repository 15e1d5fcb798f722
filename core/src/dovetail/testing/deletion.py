"""The part of the contract of metadata stores that is about deleting: runs, and what no run refers to."""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import pytest

from dovetail.components.metadata_store import ArtifactQuery, Facts, MetadataStore
from dovetail.errors import LeaseError, StoreError
from dovetail.names import new_id
from dovetail.records.run import Status
from dovetail.testing.begun_run import begun
from dovetail.testing.run_facts import completed, metric, new_artifact


class DeletionContract:
    """Numbers 26 and 32 to 34 of `dovetail.testing.metadata_store.MetadataStoreContract`."""

    def test_26_a_deleted_run_leaves_only_what_others_refer_to(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        used, unused = completed(run, "load", key="key"), completed(run, "train")
        used.metrics.append(metric(run, "load", "loss", 0.5))
        store.record(used, lease)
        store.record(unused, lease)
        other, other_lease = begun(store)
        taken = completed(other, "load", status=Status.CACHED).steps[0]
        taken = taken.model_copy(update={"outputs": used.steps[0].outputs})
        store.record(Facts(steps=[taken]), other_lease)
        store.delete_run(run.id, lease)
        assert store.run(run.id) is None
        assert [each.id for each in store.artifacts(ArtifactQuery())] == [used.artifacts[0].id]
        assert store.plan(other.plan_digest) is not None
        with pytest.raises(LeaseError):
            store.record(completed(run, "load"), lease)
        store.delete_run(other.id, other_lease)
        assert set(store.count().values()) == {0}

    def test_32_artifacts_that_no_step_has_or_reads_are_found_in_pages(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        made = completed(run, "load")
        store.record(made, lease)
        store.record(completed(run, "train", reads=made.artifacts[0]), lease)
        assert store.unreferenced() == []
        loose = [new_artifact(run, "load", f"out_{number}") for number in range(5)]
        store.record(Facts(artifacts=loose), lease)
        newest = sorted((each.id for each in loose), reverse=True)
        first = store.unreferenced(limit=2)
        rest = store.unreferenced(before=first[-1].id)
        assert [each.id for each in (*first, *rest)] == newest

    def test_33_only_what_nobody_refers_to_is_forgotten(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        source = completed(run, "load")
        made = source.artifacts[0]
        loose = [new_artifact(run, "load", f"out_{number}") for number in range(250)]
        store.record(source, lease)
        store.record(Facts(artifacts=loose), lease)
        asked = [made.id, *(each.id for each in loose), new_id()]
        assert store.forget_artifacts(asked) == {each.id for each in loose}
        assert store.artifacts_by_id(asked) == {made.id: made}
        assert store.forget_artifacts([made.id]) == set()
        assert store.forget_artifacts([]) == set()

    def test_34_a_cached_step_with_an_output_that_was_deleted_is_refused(self, store: MetadataStore) -> None:
        run, lease = begun(store)
        taken = completed(run, "load", status=Status.CACHED)
        with pytest.raises(StoreError, match="'load'"):
            store.record(Facts(steps=taken.steps), lease)
        assert store.steps(run.id) == []
        store.record(taken, lease)
        assert [each.step for each in store.steps(run.id)] == ["load"]

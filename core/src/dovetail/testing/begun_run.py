"""Runs on a metadata store: begun, or recorded as a whole."""

from __future__ import annotations

from dovetail.components.metadata_store import Lease, MetadataStore
from dovetail.records.run import RunRecord, Status
from dovetail.testing.run_facts import chain, ended, new_run


def begun(store: MetadataStore, **fields: object) -> tuple[RunRecord, Lease]:
    """Begin a run; return it with its lease."""
    plan = chain("load", "train")
    run = new_run(plan, **fields)
    lease = store.acquire(run.id)
    return store.begin(run, plan.to_json(), lease), lease


def done(store: MetadataStore, status: Status = Status.COMPLETED, **fields: object) -> RunRecord:
    """Record a whole run without steps."""
    run, lease = begun(store, **fields)
    run = ended(run, status)
    store.finish(run, lease)
    lease.release()
    return run

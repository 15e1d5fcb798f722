"""Taking in what attempts have reported whose launcher is gone, without going on with their run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dovetail.client import RunView
from dovetail.components.metadata_store import Lease, MetadataStore
from dovetail.errors import LeaseError
from dovetail.execution.beginning.adoption import adopt
from dovetail.execution.launcher import USED_BY_RUNS
from dovetail.execution.recorder import Recorder
from dovetail.execution.remote.detached import Detached
from dovetail.records.record import now
from dovetail.records.run import AttemptRecord, RunRecord, Status
from dovetail.stacks.assemble import as_set_now, assemble
from dovetail.stacks.stack import LiveStack


@dataclass(slots=True)
class Taken:
    """What was taken in of a run: attempts that have ended, and those that go on; `notes` are for people."""

    run: RunRecord
    ended: list[AttemptRecord] = field(default_factory=list)
    ongoing: list[AttemptRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "run": self.run.name,
            "status": self.run.status.value,
            "attempts": [
                {
                    "step": each.step,
                    "attempt": each.number,
                    "status": each.status.value,
                    "reason": each.reason,
                }
                for each in (*self.ended, *self.ongoing)
            ],
            "notes": self.notes,
        }


def synchronise(run: RunView) -> Taken:
    """Record how the attempts of a run ended that nobody waited for; complete the run where that was all.

    Raises:
        LeaseError: the run is going on, and its launcher takes everything in.
    """
    if run.record.status is Status.COMPLETED:
        return Taken(run.record)
    present, _ = as_set_now(run.record.stack)
    with assemble(present, only=USED_BY_RUNS) as stack:
        metadata = stack.metadata_store
        metadata.open()
        try:
            lease = metadata.acquire(run.id)
        except LeaseError as error:
            error.hint = "wait for it: what there is to take in, it takes in itself"
            raise
        try:
            return _take_in(run, stack, metadata, lease)
        finally:
            lease.release()


def _take_in(run: RunView, stack: LiveStack, metadata: MetadataStore, lease: Lease) -> Taken:
    notes: list[str] = []
    left = [each.id for each in metadata.attempts(run.id) if not each.status.ended]
    recorder = Recorder(metadata, lease)
    detached = Detached(stack, notes.append, run.plan.operated())
    adoption = adopt(run.plan, run.record, metadata, stack.artifact_store, recorder, detached.ongoing)
    recorder.flush()
    record = metadata.run(run.id) or run.record
    if len(adoption.settled) == len(run.plan.steps):
        changed = {"status": Status.COMPLETED, "finished": max(now(), record.started), "error": None}
        record = record.model_copy(update={**changed, "epoch": lease.epoch})
        metadata.finish(record, lease)
    seen = [each for each in metadata.attempts(run.id) if each.id in left]
    return Taken(
        record,
        [each for each in seen if each.status.ended],
        [each for each in seen if not each.status.ended],
        notes,
    )

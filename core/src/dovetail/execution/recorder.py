"""The launcher's pen: gathers facts of one run and records them in few transactions."""

from __future__ import annotations

import time

from dovetail import failpoints
from dovetail.components.metadata_store import Facts, Lease, MetadataStore
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.run import AttemptRecord, MetricRecord, StepRunRecord

_MOST = 500
_LONGEST = 0.25


class Recorder:
    """Facts wait here until something depends on them: before a step starts, before the launcher waits.

    A crash loses nothing by that: what a step made stands in its report, and a cached step is found again.
    """

    def __init__(self, store: MetadataStore, lease: Lease) -> None:
        self.store = store
        self.lease = lease
        self._facts = Facts()
        self._count = 0
        self._since = 0.0

    def step(self, record: StepRunRecord) -> None:
        """Note what became of a step."""
        self._facts.steps.append(record)
        self._noted()

    def reopen(self, record: StepRunRecord) -> None:
        """Note what becomes of a step that had ended well and has lost what it made."""
        self._facts.reopened.append(record.step)
        self.step(record)

    def attempt(self, record: AttemptRecord) -> None:
        """Note an attempt that starts or has ended."""
        self._facts.attempts.append(record)
        self._noted()

    def results(self, artifacts: tuple[ArtifactRecord, ...], metrics: tuple[MetricRecord, ...]) -> None:
        """Note what an attempt made."""
        self._facts.artifacts.extend(artifacts)
        self._facts.metrics.extend(metrics)
        self._noted()

    def _noted(self) -> None:
        if not self._count:
            self._since = time.monotonic()
        self._count += 1

    def tick(self) -> None:
        """Record when much has gathered or the oldest fact has waited long."""
        if self._count >= _MOST or (self._count and time.monotonic() - self._since > _LONGEST):
            self.flush()

    def flush(self) -> None:
        """Record everything now, in one transaction."""
        if not self._facts:
            return
        failpoints.hit("record")
        self.store.record(self._facts, self.lease)
        # Only now: what a store refuses is tried again at the end, when there may be space.
        self._facts, self._count = Facts(), 0

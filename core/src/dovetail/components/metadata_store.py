"""Metadata stores: the facts of runs, recorded once, owned through leases, read in pages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from dovetail.components.component import Component
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.run import AttemptRecord, MetricRecord, RunRecord, Status, StepRunRecord


class Lease(Protocol):
    """The right to write the facts of one run, until released or until the process dies.

    `epoch` grows with every acquisition; a write under an older epoch is refused with LeaseError.
    """

    run_id: str
    epoch: int

    def release(self) -> None:
        """Give the run up; may be called twice."""


@dataclass(slots=True)
class Facts:
    """What is to be recorded in one transaction, all of one run.

    Recording is idempotent: an attempt, artifact or step run that is there already is overwritten by the
    same facts and never doubled; a step run that has ended well is never replaced, unless `reopened`
    names its step: the launcher has found that its artifacts are lost, and its end holds no longer.
    """

    steps: list[StepRunRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    artifacts: list[ArtifactRecord] = field(default_factory=list)
    metrics: list[MetricRecord] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether there is anything to record."""
        return bool(self.steps or self.attempts or self.artifacts or self.metrics)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list, newest first. `before` is the sequence number at which the page ends (exclusive).

    `prefix` is how the id or the name begins.
    """

    pipeline: str | None = None
    status: Status | None = None
    name: str | None = None
    before: int | None = None
    limit: int = 20
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """Which artifacts to list, newest first. `before` is the id at which the page ends (exclusive).

    `prefix` is how the id begins.
    """

    run_id: str | None = None
    step: str | None = None
    output: str | None = None
    type: str | None = None
    pipeline: str | None = None
    before: str | None = None
    limit: int = 20
    prefix: str | None = None


class MetadataStore(Component):
    """Keeps what happened.

    An implementation owes:

    1. `open` makes or checks the schema, also when eight processes do it at once; a store newer than the
       program is refused with StoreError and not touched; a read-only place can still be read.
    2. `acquire` gives a lease to one holder at a time and raises LeaseError otherwise; it becomes free
       when the holder's process dies. `held` tells, without writing, whether a run has a holder.
    3. `begin`, `record` and `finish` are one transaction each, check the epoch, and are idempotent.
    4. Queries return pages in a stable order, use an index, and see only whole transactions.
    5. A run that is unfinished while nobody holds its lease is returned as `interrupted`.

    A cached step whose outputs are not recorded any more is refused with StoreError.

    docs/contracts/metadata-store.md says it in detail, with the numbers of the tests in
    `dovetail.testing.metadata_store`.
    """

    type: ClassVar[str] = "metadata_store"

    @abstractmethod
    def open(self) -> None:
        """Connect and make or check the schema; called once before anything else."""

    @abstractmethod
    def acquire(self, run_id: str) -> Lease:
        """Take the run; raises LeaseError while somebody else holds it."""

    @abstractmethod
    def held(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of the runs that have a live holder."""

    @abstractmethod
    def begin(self, run: RunRecord, plan: bytes, lease: Lease) -> RunRecord:
        """Record a run that starts, or that is resumed under a new lease; keep its plan under its digest.

        A resumed run may come with another plan; the one before goes unless another run has it. Returns
        the record with its `sequence` and `epoch`.
        """

    @abstractmethod
    def record(self, facts: Facts, lease: Lease) -> None:
        """Record facts of the run."""

    @abstractmethod
    def finish(self, run: RunRecord, lease: Lease) -> None:
        """Record the end of the run: status, times, error, versions, commit."""

    @abstractmethod
    def cached(self, key: str) -> tuple[StepRunRecord, dict[str, ArtifactRecord]] | None:
        """Return the newest completed step run of this cache key, and its artifacts by output."""

    @abstractmethod
    def run(self, run_id: str) -> RunRecord | None:
        """Return one run."""

    @abstractmethod
    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return one page of runs, newest first."""

    @abstractmethod
    def plan(self, digest: str) -> bytes | None:
        """Return the canonical JSON of a plan."""

    @abstractmethod
    def pipelines(self) -> list[tuple[str, int, int]]:
        """Return name, number of runs and time of the last start of every pipeline, by name."""

    @abstractmethod
    def steps(self, run_id: str) -> list[StepRunRecord]:
        """Return the recorded steps of a run, in order of recording; pending ones are not there."""

    @abstractmethod
    def attempts(self, run_id: str, step: str | None = None) -> list[AttemptRecord]:
        """Return the attempts of a run, or of one of its steps, oldest first."""

    @abstractmethod
    def artifacts(self, query: ArtifactQuery) -> list[ArtifactRecord]:
        """Return one page of artifacts, newest first."""

    @abstractmethod
    def artifacts_by_id(self, ids: Iterable[str]) -> dict[str, ArtifactRecord]:
        """Return the artifacts of these ids, as far as they are there."""

    @abstractmethod
    def consumers(self, artifact_id: str) -> list[StepRunRecord]:
        """Return the step runs that read an artifact: lineage downwards."""

    @abstractmethod
    def metrics(self, run_id: str, step: str | None = None) -> list[MetricRecord]:
        """Return the metrics of a run, or of one of its steps, in order of logging."""

    @abstractmethod
    def delete_run(self, run_id: str, lease: Lease) -> None:
        """Forget a run: its steps, attempts and metrics; artifacts stay while another run refers to them."""

    @abstractmethod
    def unreferenced(self, *, before: str | None = None, limit: int = 100) -> list[ArtifactRecord]:
        """Return one page of the artifacts that no step run has or reads, newest first.

        `before` is the id at which the page ends (exclusive).
        """

    @abstractmethod
    def forget_artifacts(self, ids: Iterable[str]) -> set[str]:
        """Forget those of the artifacts that no step run has or reads; return which it were."""

    @abstractmethod
    def count(self) -> Mapping[str, int]:
        """Return the number of records by kind, for people."""

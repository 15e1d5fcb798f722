"""Runs, their steps and attempts, as the metadata store keeps them. Times are microseconds UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from dovetail.records.record import Record
from dovetail.records.stack import StackRecord


class Status(StrEnum):
    """States of a run, a step run or an attempt; `cached` and `skipped` are of step runs only.

    `interrupted` is never stored: it is a run that is unfinished while its lease is free.
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Say whether nothing further will happen by itself."""
        return self not in {Status.PENDING, Status.RUNNING}

    @property
    def good(self) -> bool:
        """Say whether the step's outputs are there."""
        return self in {Status.COMPLETED, Status.CACHED}


class RunRecord(Record):
    """One run of one plan. `sequence` orders runs as the store saw them begin, whatever clocks did.

    `code` is the git commit of the source root and `dirty` whether it had changes, None without git.
    `versions` maps distributions and `python` to versions. `parameters` are run-wide values given at
    start. `parent` is the run this one replays or continues, if any.
    """

    id: str
    sequence: int = 0
    name: str
    pipeline: str
    plan_digest: str
    status: Status
    stack: StackRecord
    epoch: int = 0
    started: int
    finished: int | None = None
    duration: float | None = None
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str] = {}
    host: str = ""
    source_root: str = ""
    options: dict[str, Any] = {}
    parent: str | None = None
    error: str | None = None


class StepRunRecord(Record):
    """What became of one step of a run.

    `key` is the cache key; `inputs` maps an input to the id of the artifact it read, `outputs` an output
    to the id of the artifact it has. `cached_from` is the run that computed the outputs.
    """

    run_id: str
    step: str
    status: Status
    key: str = ""
    started: int | None = None
    finished: int | None = None
    duration: float | None = None
    attempts: int = 0
    cached_from: str | None = None
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    error: str | None = None


class AttemptRecord(Record):
    """One try at a step. `reason` says how it ended, from a fixed set: see `dovetail.records.report`."""

    id: str
    run_id: str
    step: str
    number: int
    status: Status
    started: int
    finished: int | None = None
    duration: float | None = None
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None
    log: str | None = None


class MetricRecord(Record):
    """One value of a metric; `step_index` is the caller's own counter (epoch, iteration), if given."""

    run_id: str
    step: str
    name: str
    value: float
    step_index: int | None = None
    time: int

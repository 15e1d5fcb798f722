"""The report: the file a step's process writes last, from which the launcher learns what happened."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from dovetail.records.artifact import ArtifactRecord
from dovetail.records.record import Record
from dovetail.records.run import MetricRecord, Status

CODE = "code"
"""The directory of archives of code in any artifact store."""
JOBS = "jobs"
"""The directory of jobs among the files of a run."""


class Reason(StrEnum):
    """Why an attempt ended."""

    COMPLETED = "completed"
    ERROR = "error"
    SIGNAL = "signal"
    EXIT = "exit"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CANCELLED = "cancelled"
    LOST = "lost"


class Failure(Record):
    """What the user's code raised: public name of the class, its text, the traceback without our frames.

    `bases` are the public names of the class and its base classes, for `Retry.on`.
    """

    type: str
    bases: tuple[str, ...] = ()
    message: str
    traceback: str = ""
    hint: str | None = None

    @property
    def text(self) -> str:
        """Return what people are told: class and message; the message where Dovetail itself says it."""
        ours = not self.bases or self.type.startswith("dovetail.errors.")
        return self.message if ours else f"{self.type}: {self.message}"

    def is_any_of(self, names: Iterable[str]) -> bool:
        """Say whether one of these classes is among `bases`; built-in ones need no `builtins.` before."""
        return bool({*names} & {*self.bases, *(each.removeprefix("builtins.") for each in self.bases)})


class StepTask(Record):
    """What a process needs to know to make one attempt; everything else stands in the plan.

    `inputs` are the records of the artifacts to read, `epoch` is that of the lease under which the
    attempt was given out.
    """

    run_id: str
    run_name: str
    step: str
    attempt: str
    number: int
    epoch: int
    inputs: dict[str, ArtifactRecord] = {}
    timeout: float | None = None


class StepReport(Record):
    """How an attempt ended, and what it made. Written once, after all artifacts."""

    format: Literal[1]
    run_id: str
    step: str
    attempt: str
    number: int
    epoch: int
    status: Status
    reason: Reason
    started: int
    finished: int
    duration: float
    outputs: tuple[ArtifactRecord, ...] = ()
    metrics: tuple[MetricRecord, ...] = ()
    failure: Failure | None = None
    notes: dict[str, Any] = {}


def run_directory(run_id: str) -> str:
    """Return where a run's own files lie in any artifact store."""
    return f"runs/{run_id[-2:]}/{run_id}"


def code_path(digest: str) -> str:
    """Return where the archive of a tree of code of this digest lies in any artifact store."""
    name = digest.partition(":")[2]
    return f"{CODE}/{name[:2]}/{name}.zip"


def report_path(run_id: str, attempt: str) -> str:
    """Return where the report of an attempt lies in any artifact store."""
    return f"{run_directory(run_id)}/reports/{attempt}.json"


def job_path(run_id: str, epoch: int) -> str:
    """Return where the job of attempts elsewhere lies, for those that were given out under this epoch."""
    return f"{run_directory(run_id)}/{JOBS}/{epoch}.json"


def task_path(run_id: str, attempt: str) -> str:
    """Return where the task of an attempt elsewhere lies in any artifact store."""
    return f"{run_directory(run_id)}/tasks/{attempt}.json"


def handle_path(run_id: str, attempt: str) -> str:
    """Return where the handle of an attempt lies that a step operator has taken."""
    return f"{run_directory(run_id)}/handles/{attempt}.json"


def log_directory(run_id: str) -> str:
    """Return where the logs of a run lie in any artifact store."""
    return f"{run_directory(run_id)}/logs"


def log_path(run_id: str, attempt: str) -> str:
    """Return where the output of an attempt lies in any artifact store."""
    return f"{log_directory(run_id)}/{attempt}.log"

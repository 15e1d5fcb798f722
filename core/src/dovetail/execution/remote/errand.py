"""The errand: what the command line of an attempt elsewhere says, and what it finds in the artifact store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydantic import ValidationError

import dovetail
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Reach
from dovetail.errors import ConfigurationError
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.remote.code_archive import unpack_archive
from dovetail.execution.remote.requirement import check_versions, check_wheels, python_minor
from dovetail.execution.scratch import Scratch
from dovetail.records.record import Record
from dovetail.records.report import StepTask

MODULE = "dovetail.execution.entrypoint"


class Errand(Record):
    """Where an attempt finds what it is about. No secret is in it: they are resolved where the step runs."""

    dovetail: str
    python: str
    store: WorkerComponent
    job: str
    task: str

    @classmethod
    def of(cls, store: WorkerComponent, reach: Reach, job: str, task: str, python: str | None) -> Errand:
        """Return the errand of an attempt; a home matters elsewhere only if the store is on this machine."""
        if reach is Reach.NETWORK:
            store = store.model_copy(update={"home": ""})
        return cls(
            dovetail=dovetail.__version__, python=python or python_minor(), store=store, job=job, task=task
        )

    def command(self) -> list[str]:
        """Return the command line that runs it; a place with another Python replaces the first word."""
        return [sys.executable, "-P", "-m", MODULE, "--errand", self.to_json().decode()]


def read_errand(text: str) -> Errand:
    """Return the errand of a command line.

    Raises:
        ConfigurationError: this is another Python or another Dovetail than what wrote it.
    """
    try:
        found = json.loads(text)
        check_versions(found["python"], found["dovetail"])
        return Errand.from_json(text)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError(
            f"{text[:80]!r} is no errand: {type(error).__name__}",
            hint="take the command line as it was given",
        ) from error


@contextmanager
def fetched(errand: Errand, store: ArtifactStore) -> Iterator[tuple[Job, StepTask]]:
    """Give the job of an errand, its code laid out on this machine, and the task; both go with the block.

    Raises:
        ConfigurationError: what the step needs is not installed here.
        ArtifactError: job, task or code are not in the store.
    """
    task = StepTask.from_json(store.get(errand.task))
    job = Job.from_json(store.get(errand.job))
    check_wheels(job, next(each for each in job.plan.steps if each.name == task.step))
    scratch = Scratch()
    try:
        root = scratch.path / "code"
        root.mkdir()
        if job.code is not None:
            unpack_archive(store, job.code, root)
        os.chdir(root)
        places = tuple(str(root / each) for each in job.sys_path)
        changed = {"source_root": str(root), "sys_path": places, "scratch": str(scratch.path)}
        yield job.model_copy(update=changed), task
    finally:
        os.chdir("/")
        scratch.close()


def open_store(errand: Errand) -> ArtifactStore:
    """Return the artifact store of an errand."""
    store = errand.store
    if not store.home:
        store = store.model_copy(update={"home": str(Path.cwd())})
    return cast("ArtifactStore", store.build())

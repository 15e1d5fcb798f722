"""The errand: what the command line of an attempt elsewhere says, and what it finds in the artifact store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydantic import ValidationError

import dovetail
from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import ConfigurationError
from dovetail.execution.attempt.job import Job, WorkerComponent
from dovetail.execution.remote.code_archive import unpack_archive
from dovetail.execution.remote.requirement import check_versions, check_wheels, python_minor
from dovetail.execution.scratch import Scratch
from dovetail.records.plan import Plan
from dovetail.records.record import Record
from dovetail.records.report import StepTask

MODULE = "dovetail.execution.entrypoint"
_NEEDED = {"artifact_store", "secrets_manager"}


class Errand(Record):
    """Where an attempt finds what it is about. No secret is in it: they are resolved where the step runs.

    `components` are the artifact store, and the secrets manager that its settings may refer to.
    """

    dovetail: str
    python: str
    components: dict[str, WorkerComponent]
    profile: str
    job: str
    task: str

    @classmethod
    def of(cls, job: Job, place: str, task: str, python: str | None) -> Errand:
        """Return the errand of an attempt whose job and task lie at these places of the artifact store."""
        used = {kind: each for kind, each in job.components.items() if kind in _NEEDED}
        return cls(
            dovetail=dovetail.__version__,
            python=python or python_minor(),
            components=used,
            profile=job.profile,
            job=place,
            task=task,
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
        components = _at_home(job.components, scratch.path)
        yield job.model_copy(update={**changed, "components": components}), task
    finally:
        os.chdir("/")
        scratch.close()


def open_store(errand: Errand) -> ArtifactStore:
    """Return the artifact store of an errand."""
    nothing = Plan(format=1, pipeline="", steps=())
    job = Job(
        format=1,
        run_id="",
        run_name="",
        plan=nothing,
        components=_at_home(errand.components, Path.cwd()),
        source_root="",
        profile=errand.profile,
    )
    return cast("ArtifactStore", job.build("artifact_store"))


def _at_home(components: Mapping[str, WorkerComponent], place: Path) -> dict[str, WorkerComponent]:
    """Return the components, those without a home at `place`: they use none of the launcher's machine."""
    return {
        kind: each if each.home else each.model_copy(update={"home": str(place)})
        for kind, each in components.items()
    }

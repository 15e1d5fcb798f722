"""The code that goes with the steps of a run: gathered, measured, and put into the artifact store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import PlanError
from dovetail.execution.attempt.job import Job
from dovetail.execution.remote.code_archive import check_size, in_megabytes, store_archive
from dovetail.execution.remote.code_files import code_files


def store_code(job: Job, store: ArtifactStore, note: Callable[[str], None]) -> str:
    """Put the code of a job into the store, unless it is there; return its digest, and tell of its size.

    Raises:
        PlanError: it is too much, or an ignore rule keeps the code of a step away.
        StoreError: the store refuses.
    """
    root = Path(job.source_root)
    files = code_files(root)
    for step in job.plan.steps:
        path = step.source.path
        if path is not None and step.name not in job.idle and path not in files:
            raise PlanError(
                f"step {step.name!r} is in {path!r}, which an ignore rule keeps from going elsewhere",
                hint="mend .gitignore or .dovetailignore",
            )
    size = check_size(root, files)
    digest, new = store_archive(root, files, store)
    done = "put into" if new else "found in"
    note(f"code: {in_megabytes(size)} in {len(files)} files, {done} artifact store {store.name!r}")
    return digest

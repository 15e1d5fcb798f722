"""Running an errand: what the entrypoint does in a place that knows the artifact store and nothing else."""

from __future__ import annotations

import sys
from typing import Any

from dovetail.errors import DovetailError
from dovetail.execution.attempt.failure import failure_of
from dovetail.execution.attempt.unreported import EXIT_CODE, words_of
from dovetail.execution.processes.step_process import attempt, enter_step, search_path
from dovetail.execution.remote.errand import fetched, open_store, read_errand


def run_errand(text: str, worker: Any, argv: list[str]) -> int:  # noqa: ANN401 - the class of the worker
    """Make the attempt of an errand; return the exit status.

    What keeps it from beginning is said with the last words, for the launcher to find; there is no report.
    """
    enter_step()
    try:
        errand = read_errand(text)
        store = open_store(errand)
        with fetched(errand, store) as (job, task):
            sys.argv = argv or [job.script or ""]
            search_path(job.source_root, job.script, job.sys_path)
            return attempt(worker(job, {}, store), task.to_json().decode())
    except DovetailError as error:
        sys.stderr.write(words_of(failure_of(error)))
        return EXIT_CODE

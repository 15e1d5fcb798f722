"""Going on with a run that did not complete, from what the store knows of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from dovetail.client import RunView
from dovetail.errors import ConflictError, NotFoundError, PlanError
from dovetail.execution.api import Request, Start, launch
from dovetail.execution.launcher import USED_BY_RUNS
from dovetail.execution.progress import choose_progress
from dovetail.execution.sources import check_sources, setting_for_plan
from dovetail.stacks.assemble import assemble


def resume_run(run: RunView, source: str | Path | None, request: Request) -> RunView:
    """Re-run what `run` has not completed, on the stack it began on.

    Raises:
        ConflictError: the run has completed.
        PlanError: the code has changed since.
        LeaseError: the run is still going on somewhere.
    """
    record = run.record
    if run.status == "completed":
        raise ConflictError(f"run {run.name!r} has completed, nothing is left to do", hint="start a new run")
    root = Path(source or record.source_root)
    if not root.is_dir():
        raise NotFoundError(
            f"the code of run {run.name!r} was in {str(root)!r}, which is not there",
            hint="say where: --source DIR",
        )
    plan = run.plan
    setting = setting_for_plan(plan, root)
    setting.script = record.options.get("script")
    progress = choose_progress(quiet=request.quiet, in_process=request.in_process)
    try:
        check_sources(plan, root)
    except PlanError as error:
        error.hint = "run it anew: what has not changed is taken from the cache"
        raise
    if not request.in_process:
        setting.open_pool()
    with (
        closing(setting),
        assemble(record.stack, only=USED_BY_RUNS, in_process=request.in_process) as stack,
    ):
        return launch(stack, plan, Start(setting, request, progress), resumed=record)

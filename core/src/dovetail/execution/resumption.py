"""Going on with a run that did not complete, from what the store knows of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from dovetail.client import RunView
from dovetail.errors import ConflictError, NotFoundError, PlanError
from dovetail.execution.api import Request, Start, launch
from dovetail.execution.artifact_import import ARCHIVE
from dovetail.execution.beginning.outset import Revise
from dovetail.execution.beginning.plan_references import check_materializers
from dovetail.execution.beginning.revision import Revision, revise
from dovetail.execution.beginning.selection import Selection
from dovetail.execution.beginning.sources import setting_for_plan
from dovetail.execution.launcher import USED_BY_RUNS
from dovetail.execution.progress import choose_progress
from dovetail.execution.workers import WorkerSetting
from dovetail.records.plan import Plan
from dovetail.stacks.assemble import as_set_now, assemble, material_registry

_TO_ACCEPT = "to go on like this, say the same with --accept-changes"


def resume_run(
    run: RunView, source: str | Path | None, request: Request, *, accept_changes: bool = False
) -> RunView:
    """Run what `run` has not completed, on the stack it began on, as it was asked for then.

    Components have the settings of now: what kept the run from its end may have been mended there.

    What `request` says goes before what the run was begun with; its parameters are for steps that have not
    completed. With `accept_changes` these run with the present code and parameters.

    Raises:
        ConflictError: the run has completed.
        PlanError: code or parameters of what is left to run have changed, and that is not accepted.
        LeaseError: the run is still going on somewhere.
    """
    record = run.record
    if run.status == "completed":
        raise ConflictError(f"run {run.name!r} has completed, nothing is left to do", hint="start a new run")
    if ARCHIVE in record.options:
        raise ConflictError(
            f"run {run.name!r} is an import of {record.options[ARCHIVE]!r} that was cut off",
            hint="import it again; `dovetail run delete` forgets this one, `artifact prune` its files",
        )
    open_steps = [name for name, step in run.steps.items() if not step.status.good]
    setting = setting_of(run, source, open_steps)
    request = _as_begun(record.options, request)
    progress = choose_progress(quiet=request.quiet, in_process=request.in_process)
    revising = _revising(run, setting.source_root, request.parameters, accept_changes=accept_changes)
    if not request.in_process:
        setting.open_pool()
    present, notes = as_set_now(record.stack)
    start = Start(setting, request, progress, notes=tuple(notes), revise=revising)
    with closing(setting), assemble(present, only=USED_BY_RUNS, in_process=request.in_process) as stack:
        return launch(stack, run.plan, start, resumed=record)


def setting_of(run: RunView, source: str | Path | None, steps: Collection[str]) -> WorkerSetting:
    """Return where the code of these steps of a run is: below `source`, or where it was when the run began.

    Raises:
        NotFoundError: it is not there.
    """
    root = Path(source or run.record.source_root).resolve()
    if not root.is_dir():
        raise NotFoundError(
            f"the code of run {run.name!r} was in {str(root)!r}, which is not there",
            hint="say where: --source DIR",
        )
    part = tuple(step for step in run.plan.steps if step.name in steps)
    setting = setting_for_plan(run.plan.model_copy(update={"steps": part}), root)
    check_materializers(run.plan, root)  # those of completed steps read what they have made
    setting.script = run.record.options.get("script")
    return setting


def _as_begun(noted: Mapping[str, Any], request: Request) -> Request:
    """Return the request, with what the run was begun with where it says nothing."""
    selection = Selection.from_noted(noted.get("selection", {}))
    return replace(
        request,
        max_workers=request.max_workers or noted.get("max_workers"),
        in_process=request.in_process or noted.get("in_process", False),
        enable_cache=False if noted.get("no_cache") else request.enable_cache,
        failure_policy=request.failure_policy or noted.get("failure_policy"),
        **selection.noted(),
    )


def _revising(run: RunView, root: Path, parameters: Mapping[str, Any], *, accept_changes: bool) -> Revise:
    """Return what gives the plan to go on with, once it is known which steps are left to run."""

    def decide(to_run: Collection[str], completed: Collection[str]) -> tuple[Plan, list[str]]:
        revision = revise(run.plan, root, material_registry(), to_run, parameters)
        kept = [
            f"step {name!r} stays completed, though it has changed ({', '.join(changed)})"
            for name, changed in revision.outdated.items()
            if name in completed
        ]
        changed = [
            f"step {name!r} runs with what has changed: {', '.join(lines)}"
            for name, lines in revision.changed.items()
        ]
        if changed and not accept_changes:
            raise _refused(run, revision, [*kept, *changed])
        if kept:
            kept.append("to compute completed steps anew start a new run, the cache gives it the rest")
        return revision.plan, [*kept, *changed, *revision.notes]

    return decide


def _refused(run: RunView, revision: Revision, lines: list[str]) -> PlanError:
    said = [f"run {run.name!r} would not go on as it began:", *lines, *revision.notes]
    return PlanError("\n".join(said), hint=_TO_ACCEPT)

"""Replays: one step of a recorded run, executed again on the inputs it had, as a run of its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dovetail.client import RunView, StepView
from dovetail.errors import PlanError
from dovetail.execution.api import Request, Start, launch
from dovetail.execution.beginning.revision import revise
from dovetail.execution.launcher import USED_BY_RUNS
from dovetail.execution.output import terminal
from dovetail.execution.progress import Lines, Progress, choose_progress
from dovetail.execution.provenance import GitState
from dovetail.execution.resumption import setting_of
from dovetail.materializers.intact import damage
from dovetail.records.plan import Plan, Retry
from dovetail.references import load
from dovetail.stacks.assemble import assemble, material_registry

DEBUGGER = "dovetail.execution.attempt.post_mortem:debug"


def replay_step(
    run: RunView, step: str, source: str | Path | None, request: Request, *, debug: bool = False
) -> RunView:
    """Execute one step of `run` with the present code, on the inputs it had there; return the new run.

    `request` may name the run, give parameters of the step and be quiet. With `debug` the step is called in
    this process, and a debugger opens where it raises.

    Raises:
        NotFoundError: no such step, or its code is not there.
        PlanError: the step had no inputs in that run, or its code no longer fits them.
        StepError: it failed.
    """
    view = run.step(step)
    _refuse_without_inputs(view)
    setting = setting_of(run, source, [step])
    root = setting.source_root
    revision = revise(run.plan, root, material_registry(), [step], request.parameters)
    notes = [f"step {step!r} has changed since: {', '.join(each)}" for each in revision.changed.values()]
    request = replace(request, in_process=debug, enable_cache=False, only=step, base=run.id, parameters={})
    if debug:
        setting.debugger = load(DEBUGGER)
        progress = Progress() if request.quiet else Lines(terminal())
    else:
        progress = choose_progress(quiet=request.quiet)
        setting.open_pool()
    with (
        closing(setting),
        closing(GitState(root)) as git,
        assemble(run.record.stack, only=USED_BY_RUNS, in_process=debug) as stack,
    ):
        start = Start(setting, request, progress, git, parent=run.id, notes=(*notes, *revision.notes))
        return launch(stack, _tried_once(revision.plan) if debug else revision.plan, start)


def _tried_once(plan: Plan) -> Plan:
    """Return the plan without retries: who leaves the debugger wants no further attempt."""
    once = (
        step.model_copy(update={"options": step.options.model_copy(update={"retry": Retry()})})
        for step in plan.steps
    )
    return plan.model_copy(update={"steps": tuple(once)})


def _refuse_without_inputs(view: StepView) -> None:
    """Raise PlanError where an input is not there: its step did not end well, or it is damaged since."""
    for each in view.plan.inputs.values():
        source = view.run.step(each.step)
        if not source.status.good:
            never = "never started" if view.record is None or view.record.started is None else "has no inputs"
            raise PlanError(
                f"step {view.name!r} of run {view.run.name!r} {never}:"
                f" step {source.name!r}, whose output it reads, is {source.status}",
                hint=f"go on with the run: dovetail run resume {view.run.name}",
            )
        artifact = source.outputs[each.output].record
        if why := damage(view.run.records.artifacts, artifact):
            raise PlanError(
                f"step {view.name!r} of run {view.run.name!r} reads output {each.output!r}"
                f" of step {each.step!r}, which is not what was stored: {why}",
                hint="run the pipeline anew, which computes it again, and replay a step of that run",
            )

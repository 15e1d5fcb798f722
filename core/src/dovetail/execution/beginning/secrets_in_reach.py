"""Whether the secrets that steps ask for are there, where they run: better seen before the run."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dovetail.components.component import Component, Reach
from dovetail.errors import DovetailError, PlanError
from dovetail.records.plan import Plan, StepPlan
from dovetail.secrets import references_in
from dovetail.stacks.assemble import secret_lookup, secrets_manager
from dovetail.stacks.stack import PLACES, USED_BY_STEPS, LiveStack


def refuse_unreachable_secrets(plan: Plan, stack: LiveStack, *, in_process: bool = False) -> None:
    """Refuse a plan with a step that needs a secret where the secrets manager of the stack cannot be asked.

    Raises:
        PlanError: there is such a step, with the smallest change that mends it.
    """
    manager: Component | None = None
    for step in plan.steps:
        runner = _elsewhere(step, stack, in_process=in_process)
        if runner is None or (asking := _asking(step, stack)) is None:
            continue
        manager = manager or secrets_manager(stack.record, home=stack.home)
        if manager.reach < runner.reach:
            kind = runner.type.replace("_", " ")
            raise PlanError(
                f"step {step.name!r} cannot work: {kind} {runner.name!r} runs it {PLACES[runner.reach]}, "
                f"where {asking} asks for a secret, and secrets manager {manager.name!r} can be used only "
                f"{PLACES[manager.reach]}",
                where=step.source.path or step.source.module,
                hint=f"`dovetail stack update {stack.name} --secrets-manager NAME` with one that is reached "
                "from there",
            )


def refuse_missing_secrets(
    plan: Plan,
    stack: LiveStack,
    left: Collection[str],
    cached: Callable[[], Collection[str]],
    *,
    in_process: bool = False,
) -> None:
    """Refuse to begin where a step of `left` asks for a secret that is not there.

    Steps of this machine only: elsewhere a secrets manager may give out others, or ask for other rights.
    Steps that `cached` returns need none; it is called only where something is missing.

    Raises:
        NotFoundError: a secret, or its key, is not there.
        StoreError: the secrets manager cannot be read.
    """
    asked = [
        (step.name, reference)
        for step in plan.steps
        if step.name in left and _elsewhere(step, stack, in_process=in_process) is None
        for reference in references_in([dict(step.parameters), _variables(step)])
    ]
    if not asked:
        return
    value_of = secret_lookup(stack.record, pipeline=plan.pipeline, home=stack.home)
    for step_name, reference in asked:
        try:
            value_of(reference)
        except DovetailError as error:
            if step_name in cached():
                continue
            error.where = error.where or f"step {step_name!r}"
            raise


def _elsewhere(step: StepPlan, stack: LiveStack, *, in_process: bool) -> Component | None:
    """Return what runs a step on another machine, None where it runs on this one."""
    runner = None if in_process else stack.get("orchestrator")
    if step.options.step_operator:
        runner = stack.get("step_operator")
    return runner if runner is not None and runner.reach is Reach.NETWORK else None


def _asking(step: StepPlan, stack: LiveStack) -> str | None:
    """Return what of a step, or of the components it uses, refers to a secret; None where nothing does."""
    for kind in USED_BY_STEPS:
        record = stack.record.components.get(kind)
        if record is not None and next(references_in(record.config), None) is not None:
            return f"{kind.replace('_', ' ')} {record.name!r}"
    if next(references_in(dict(step.parameters)), None) is not None:
        return "a parameter"
    if next(references_in(_variables(step)), None) is not None:
        return "a variable"
    return None


def _variables(step: StepPlan) -> dict[str, object]:
    return dict(step.options.environment.get("variables", {}))

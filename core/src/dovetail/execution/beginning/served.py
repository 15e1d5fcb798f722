"""What a plan asks of a stack that this does not give: better refused before the run than ignored in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dovetail.components.step_operator import StepOperator
from dovetail.errors import PlanError
from dovetail.execution.beginning.secrets_in_reach import refuse_unreachable_secrets
from dovetail.records.plan import Plan, StepPlan
from dovetail.stacks.stack import LiveStack


def refuse_unserved(plan: Plan, stack: LiveStack, *, in_process: bool = False) -> None:
    """Refuse a plan that sets an option which nothing on the stack would obey.

    Raises:
        PlanError: there is such an option, or a step would run where it cannot reach what it uses.
    """
    for step in plan.steps:
        for option, engine in _unserved(step, stack):
            raise PlanError(
                f"step {step.name!r} sets {option}, and {engine}",
                where=step.source.path or step.source.module,
                hint=_remedy(step, option, stack),
            )
    if plan.operated():
        stack.check_reach(in_process=in_process, operated=True)
    refuse_unreachable_secrets(plan, stack, in_process=in_process)


def _remedy(step: StepPlan, option: str, stack: LiveStack) -> str:
    operator = stack.record.components.get("step_operator")
    if option in {"environment", "resources"} and operator is not None and not step.options.step_operator:
        return f"give the step to the stack's step operator: step_operator=True, or {operator.name!r}"
    if option.startswith("step_operator") and operator is None:
        return f"add one: `dovetail stack update {stack.name} -s NAME`, of `dovetail step-operator list`"
    return f"remove {option} from the step, or run it where that is served"


def _unserved(step: StepPlan, stack: LiveStack) -> Sequence[tuple[str, str]]:
    options = step.options
    operator = stack.get("step_operator") if options.step_operator else None
    isolated = isinstance(operator, StepOperator) and operator.isolates
    served = {"variables", "requirements", "python"} if isolated else {"variables"}
    needs = {*options.environment} - served
    who = f"step operator {operator.name!r}" if operator else "the orchestrator"
    checks = (
        *_missing(stack, "step_operator", options.step_operator),
        ("environment", needs, f"{who} does not make environments with {', '.join(sorted(needs))}"),
        ("resources", options.resources and not operator, "the orchestrator cannot reserve any"),
        ("on_success", options.on_success, "no engine calls it yet"),
        ("on_failure", options.on_failure, "no engine calls it yet"),
        *(
            (f"settings for {each!r}", True, "no component it uses reads them")
            for each in _unread(step, stack)
        ),
        *_missing(stack, "experiment_tracker", options.experiment_tracker),
    )
    return [(option, engine) for option, value, engine in checks if value]


def _missing(
    stack: LiveStack, kind: str, named: str | Literal[True] | None
) -> Sequence[tuple[str, bool, str]]:
    """Return what is said where the stack does not have the component that a step names."""
    there = stack.record.components.get(kind)
    if not named or (there is not None and named in (True, there.name)):
        return ()
    found = f"that of stack {stack.name!r} is {there.name!r}" if there else f"stack {stack.name!r} has none"
    return ((kind if named is True else f"{kind} {named!r}", True, found),)


def _unread(step: StepPlan, stack: LiveStack) -> list[str]:
    """Return the names in the settings of a step that no component reads: those of flavors are read."""
    operator = stack.record.components.get("step_operator")
    flavor = operator.flavor.rpartition("/")[2] if operator and step.options.step_operator else None
    return [each for each in step.options.settings if each != flavor]

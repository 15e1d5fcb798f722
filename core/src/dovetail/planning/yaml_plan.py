"""Plans as YAML: the same content as their JSON, for people to read and to compare."""

from __future__ import annotations

from pathlib import PurePosixPath

from pydantic import ValidationError

from dovetail.errors import ConfigurationError, DovetailError, did_you_mean
from dovetail.names import check_name
from dovetail.planning.graph import order
from dovetail.records.plan import Plan
from dovetail.yamlio import read_yaml, write_yaml

FORMAT = 1


def dump_plan(plan: Plan) -> str:
    """Return the plan as YAML; equal plans give equal text."""
    return write_yaml(plan.document())


def load_plan(text: str | bytes, where: str = "plan") -> Plan:
    """Return the plan that `dump_plan` wrote; `where` names the source in errors.

    Raises:
        ConfigurationError: it is no plan, is of a later format, or contradicts itself.
    """
    document = read_yaml(text, where)
    if not isinstance(document, dict) or "format" not in document or "steps" not in document:
        raise ConfigurationError(
            "this is no plan", hint="`dovetail pipeline compile run.py -o plan.yaml` makes one", where=where
        )
    if document["format"] != FORMAT:
        raise ConfigurationError(
            f"the plan has format {document['format']!r}, this program reads {FORMAT}",
            hint="use the version of dovetail that compiled it, or compile it again",
            where=where,
        )
    try:
        plan = Plan.model_validate(document)
        _check(plan)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        hint = None
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(str(first["loc"][-1]), list(Plan.model_fields))
        raise ConfigurationError(
            f"the plan is wrong at {place}: {first['msg']}", hint=hint or "compile it again", where=where
        ) from error
    except DovetailError as error:
        raise ConfigurationError(
            f"the plan is wrong: {error.message}", hint=error.hint, where=where
        ) from error
    return plan


def _check(plan: Plan) -> None:
    """Raise where the steps of a plan do not fit together: somebody has edited it."""
    check_name("pipeline", plan.pipeline)
    steps = {check_name("step", step.name): step for step in plan.steps}
    if len(steps) != len(plan.steps):
        raise ConfigurationError("two steps have one name", hint="compile it again")
    for step in plan.steps:
        for each in step.inputs.values():
            found = steps.get(each.step)
            if found is None or each.output not in {output.name for output in found.outputs}:
                raise ConfigurationError(
                    f"step {step.name!r} reads output {each.output!r} of {each.step!r}, which is not there",
                    hint="compile it again",
                )
        if missing := [name for name in step.after if name not in steps]:
            raise ConfigurationError(f"step {step.name!r} waits for {missing[0]!r}, which is not there")
        path = PurePosixPath(step.source.path or "")
        if path.is_absolute() or ".." in path.parts:
            raise ConfigurationError(f"the path {step.source.path!r} leads out of the source root")
    if order({name: step.upstream() for name, step in steps.items()}) != list(steps):
        raise ConfigurationError(
            "the steps are not in an order in which they can run", hint="compile it again"
        )

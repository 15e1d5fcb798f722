"""Outputs of steps as a plan keeps them: name, type as text, and the materializer that stores them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from dovetail.definition.options import StepOptions
from dovetail.definition.step import StepDefinition
from dovetail.errors import DefinitionError, MaterializerError, did_you_mean
from dovetail.materializers.registry import Registry
from dovetail.materializers.type_names import bare
from dovetail.records.plan import OutputPlan
from dovetail.secrets import may_hold_secret


def plan_outputs(
    definition: StepDefinition[..., Any], said: StepOptions, materializers: Registry
) -> tuple[OutputPlan, ...]:
    """Return the outputs of a step with what stores each: what the step names, else what its type asks for.

    Raises:
        DefinitionError: a materializer is named for an output that is not there.
        MaterializerError: nothing stores a type, or a materializer is unknown.
    """
    signature = definition.signature
    named = _named(said, signature.output_names)
    for name in named:
        if name not in signature.output_names:
            raise DefinitionError(
                f"option materializers is for output {name!r}, which step {definition.name!r} does not have",
                hint=did_you_mean(str(name), list(signature.output_names)) or "it has no outputs",
                where=definition.where,
            )
    found: list[OutputPlan] = []
    for output in signature.outputs:
        if may_hold_secret(output.annotation):
            raise DefinitionError(
                f"output {output.name!r} of step {definition.name!r} is a secret, and outputs are stored",
                hint="return what the secret opens; a step that needs it gets a parameter of its own",
                where=definition.where,
            )
        try:
            if output.name in named:
                ref = materializers.named(named[output.name])
            else:
                ref = materializers.require(output.annotation, output.name)
            type_ = materializers.type_name(output.annotation)
        except MaterializerError as error:
            raise MaterializerError(
                f"step {definition.name!r}: {error.message}", hint=error.hint, where=definition.where
            ) from error
        found.append(OutputPlan(name=output.name, type=type_, materializer=ref))
    return tuple(found)


def own_materializers(said: StepOptions) -> list[type]:
    """Return the materializer classes that a step brings: their code is part of its own."""
    return [each for each in _named(said, ("",)).values() if isinstance(each, type)]


def classes_of_output(definition: StepDefinition[..., Any], said: StepOptions, output: str) -> list[type]:
    """Return the classes that a step which reads an output depends on: its type's, and what loads it."""
    found = [_named(said, (output,)).get(output)]
    pending: list[Any] = [each.annotation for each in definition.signature.outputs if each.name == output]
    while pending:
        annotation = bare(pending.pop())
        found.append(annotation)
        pending.extend(get_args(annotation))
    return [each for each in found if isinstance(each, type)]


def _named(said: StepOptions, outputs: tuple[str, ...]) -> Mapping[str, Any]:
    if said.materializers is None or isinstance(said.materializers, Mapping):
        return said.materializers or {}
    return dict.fromkeys(outputs, said.materializers)

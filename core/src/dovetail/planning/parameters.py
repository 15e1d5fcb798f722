"""Parameters of steps: what pipeline, configuration and defaults give, as a plan keeps it, and back again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from dovetail.definition.composition import Node
from dovetail.definition.signature import REQUIRED, Argument, StepSignature
from dovetail.definition.step import StepDefinition
from dovetail.errors import PlanError, did_you_mean
from dovetail.materializers.type_names import type_name
from dovetail.planning.parameter_values import (
    CommandLineText,
    UnfitValueError,
    decode,
    encode,
    encode_fields,
    example,
)
from dovetail.records.plan import StepInput, StepPlan


class Parameters:
    """Works out the parameters of the steps of one compilation; `overrides` has values by step and name."""

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]]) -> None:
        self._overrides = overrides
        self._defaults: dict[int, dict[str, Any]] = {}

    def of(self, node: Node, inputs: Mapping[str, StepInput]) -> dict[str, Any]:
        """Return the parameters of a call by name, in the order of the step's arguments.

        Raises:
            PlanError: a value is missing, unknown, or no parameter.
        """
        definition = node.instance.definition
        changes, fields = self._changes(node, definition.signature, inputs)
        defaults = self._default_values(definition)
        found: dict[str, Any] = {}
        for name, argument in definition.signature.arguments.items():
            if name in inputs or argument.kind == "context":
                continue
            value = changes.get(name, node.arguments.get(name, REQUIRED))
            if argument.kind == "config":
                given = argument.default if value is REQUIRED else value
                found[name] = _fit(node, name, encode_fields, argument, given, fields)
            elif value is not REQUIRED:
                found[name] = _fit(node, name, encode, argument.annotation, value)
            elif argument.default is REQUIRED:
                raise PlanError(
                    f"step {node.name!r} is called without {name!r}",
                    hint="pass the output of a step, or a value",
                    where=node.where,
                )
            elif name in defaults:
                found[name] = defaults[name]
        return found

    def _default_values(self, definition: StepDefinition[..., Any]) -> dict[str, Any]:
        """Return the defaults that a plan can hold; for the others the function's own default is used."""
        if id(definition) not in self._defaults:
            found = self._defaults[id(definition)] = {}
            for name, argument in definition.signature.arguments.items():
                if argument.kind == "value" and argument.default is not REQUIRED:
                    try:
                        found[name] = encode(argument.annotation, argument.default)
                    except UnfitValueError:
                        continue
        return self._defaults[id(definition)]

    def _changes(
        self, node: Node, signature: StepSignature, inputs: Mapping[str, StepInput]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the overrides of a call: of whole arguments, and of fields of its parameter object."""
        whole: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        config = next((each for each in signature.arguments.values() if each.kind == "config"), None)
        for name, value in self._overrides.get(node.name, {}).items():
            if name in inputs:
                raise PlanError(
                    f"{name!r} of step {node.name!r} is an output of step {inputs[name].step!r}",
                    hint="set a parameter of that step, or change the pipeline",
                    where=node.where,
                )
            if name in signature.arguments and signature.arguments[name].kind != "context":
                whole[name] = value
            elif (field := _field(config, name)) is not None:
                fields[field] = value
            else:
                known = [each.name for each in signature.arguments.values() if each.kind != "context"]
                known += list(config.annotation.model_fields) if config else []
                raise PlanError(
                    f"step {node.name!r} has no parameter {name!r}",
                    hint=did_you_mean(name, known) or "it takes none",
                    where=node.instance.where,
                )
        return whole, fields


def _field(config: Argument | None, name: str) -> str | None:
    """Return the field of the parameter object that an override means: `epochs` or `config.epochs`."""
    if config is None:
        return None
    field = name.removeprefix(f"{config.name}.")
    return field if field in config.annotation.model_fields else None


def _fit(node: Node, name: str, encoding: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - JSON
    try:
        return encoding(*arguments)
    except UnfitValueError as error:
        name, hint, given = error.field or name, error.hint, ""
        if isinstance(error.text, CommandLineText):
            given, hint = ", given by --param,", _as_typed(node.name, name, error)
        raise PlanError(
            f"parameter {name!r} of step {node.name!r}{given} {error.reason}", hint=hint, where=node.where
        ) from error


def _as_typed(step: str, name: str, error: UnfitValueError) -> str:
    """Return how the parameter is written on a command line."""
    kind, shown = type_name(error.annotation), example(error.annotation)
    article = "an" if kind[:1] in set("aeiou") else "a"
    value = "JSON" if shown is None else shlex.quote(shown)
    return f"{name} is {article} {kind}: --param {step}.{name}={value}"


def restore_parameters(signature: StepSignature, step: StepPlan) -> dict[str, Any]:
    """Return the values of a step's parameters as its plan has them.

    Raises:
        PlanError: the plan is not of this step: a parameter is unknown, or of another type.
    """
    found: dict[str, Any] = {}
    for name, document in step.parameters.items():
        argument = signature.arguments.get(name)
        if argument is None:
            raise PlanError(
                f"the plan gives step {step.name!r} a parameter {name!r}, which it does not take",
                hint="compile the plan again from this code",
                where=signature.where,
            )
        try:
            found[name] = decode(argument.annotation, document)
        except UnfitValueError as error:
            raise PlanError(
                f"parameter {name!r} of step {step.name!r} {error.reason}",
                hint="compile the plan again from this code",
                where=signature.where,
            ) from error
    return found

"""Revisions: a recorded plan held against the code as it is now, and made to run that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail.definition.composition import Node
from dovetail.definition.signature import REQUIRED, StepSignature
from dovetail.definition.step import StepDefinition, StepInstance
from dovetail.errors import DovetailError, PlanError
from dovetail.execution.beginning.sources import present_source
from dovetail.execution.cache import PYTHON, differences
from dovetail.materializers.registry import Registry
from dovetail.planning.code import SourceReader
from dovetail.planning.edges import assignable
from dovetail.planning.overrides import Laid, Overrides
from dovetail.planning.parameter_values import UnfitValueError, encode
from dovetail.planning.parameters import Parameters, restore_parameters
from dovetail.records.plan import Plan, SourceRef, StepPlan

_ANEW = "start a new run: what has not changed is taken from the cache"


@dataclass(slots=True)
class Revision:
    """A plan whose steps `to_run` are as the code has them now; the others stay as they were recorded.

    `changed` says what is new of each step that will run, `outdated` what has changed of those that will
    not, and `notes` what stays although the code says otherwise.
    """

    plan: Plan
    changed: dict[str, list[str]] = field(default_factory=dict)
    outdated: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def changes_of(now: StepPlan, then: StepPlan) -> list[str]:
    """Return what differs in two plans of a step: code, parameters, outputs, environment; not its inputs."""
    return differences((now, {}, PYTHON), (then, {}, PYTHON))


def revise(
    plan: Plan, root: Path, registry: Registry, to_run: Collection[str], parameters: Mapping[str, Any]
) -> Revision:
    """Return the plan with the code below `root`, and these `parameters` (by `step.name`), for `to_run`.

    Raises:
        PlanError: a step cannot be loaded, its signature no longer fits the recorded graph, or a parameter
            is for a step that is not run.
    """
    return _Reviser(plan, root, registry, to_run, parameters).revision()


class _Reviser:
    def __init__(
        self,
        plan: Plan,
        root: Path,
        registry: Registry,
        to_run: Collection[str],
        parameters: Mapping[str, Any],
    ) -> None:
        self._plan = plan
        self._root = root
        self._registry = registry
        self._to_run = to_run
        self._reader = SourceReader(root)
        self._overrides = Laid(
            [Overrides.from_parameters(parameters)], [step.name for step in plan.steps]
        ).parameters
        self._found: dict[str, tuple[StepDefinition[..., Any], SourceRef]] = {}
        self._revision = Revision(plan)

    def revision(self) -> Revision:
        """Return the revision."""
        for name in self._overrides:
            if name not in self._to_run:
                raise PlanError(
                    f"a parameter is given for step {name!r}, which is not run again",
                    hint=_ANEW,
                )
        steps = [self._step(step) for step in self._plan.steps]
        self._revision.plan = self._plan.model_copy(update={"steps": tuple(steps)})
        return self._revision

    def _step(self, step: StepPlan) -> StepPlan:
        if step.name not in self._to_run:
            self._look_at(step)
            return step
        definition, source = self._load(step)
        self._found[step.name] = (definition, source)
        if source.digest == step.source.digest and step.name not in self._overrides:
            return step
        if source.digest == step.source.digest:
            source = step.source
        now = step.model_copy(update={"source": source, "parameters": self._refit(step, definition)})
        self._revision.changed[step.name] = changes_of(now, step)
        return now

    def _look_at(self, step: StepPlan) -> None:
        """Note whether the code of a step that is not run has changed."""
        if step.source.path is None:
            return
        try:
            found = present_source(step, self._root, self._reader)
        except Exception:  # noqa: BLE001 - the border around the user's module, which is not needed
            self._revision.outdated[step.name] = ["its code is not there any more"]
            return
        self._found[step.name] = found
        if found[1].digest != step.source.digest:
            now = step.model_copy(update={"source": found[1]})
            self._revision.outdated[step.name] = changes_of(now, step)

    def _load(self, step: StepPlan) -> tuple[StepDefinition[..., Any], SourceRef]:
        try:
            return present_source(step, self._root, self._reader)
        except DovetailError:
            raise
        except Exception as error:
            raise PlanError(
                f"step {step.name!r} cannot be loaded: {type(error).__name__}: {error}",
                where=step.source.path,
                hint="mend its module, or name the directory that holds the code: --source DIR",
            ) from error

    def _refit(self, step: StepPlan, definition: StepDefinition[..., Any]) -> dict[str, Any]:
        """Return the parameters of a step for its present signature; refuse where that fits no more."""
        try:
            signature = definition.signature
            for problem in self._misfits(step, signature):
                raise PlanError(problem)
            instance = StepInstance(definition)
            node = Node(step.name, instance, restore_parameters(signature, step), definition.where)
            found = Parameters(self._overrides).of(node, step.inputs)
        except DovetailError as error:
            given = step.name in self._overrides and error.hint
            raise PlanError(
                f"step {step.name!r} as it is now does not fit the recorded plan: {error.message}",
                where=definition.where,
                hint=error.hint if given else _ANEW,
            ) from error
        self._revision.notes += _other_defaults(step, signature, self._overrides.get(step.name, {}))
        return found

    def _misfits(self, step: StepPlan, signature: StepSignature) -> Iterator[str]:
        for name, source in step.inputs.items():
            argument = signature.arguments.get(name)
            if argument is None or argument.kind != "value":
                yield f"it takes no input {name!r}, which is output {source.output!r} of step {source.step!r}"
            elif (given := self._given(source.step, source.output)) is not None and not assignable(
                given, argument.annotation
            ):
                wanted, is_ = map(self._registry.type_name, (argument.annotation, given))
                yield f"it wants {wanted} for {name!r}, output {source.output!r} of {source.step!r} is {is_}"
        then = {each.name: each.type for each in step.outputs}
        now = {each.name: self._registry.type_name(each.annotation) for each in signature.outputs}
        if now != then:
            yield f"its outputs are {_listed(now)}, and were {_listed(then)}"

    def _given(self, step: str, output: str) -> Any:  # noqa: ANN401 - an annotation
        """Return the declared type of another step's output, None where the code does not tell."""
        if step not in self._found:
            return None
        outputs = self._found[step][0].signature.outputs
        recorded = next(each for each in self._plan.steps if each.name == step).outputs
        types = {each.name: each.type for each in recorded}
        return next(
            (
                each.annotation
                for each in outputs
                if each.name == output and self._registry.type_name(each.annotation) == types.get(output)
            ),
            None,
        )


def _listed(outputs: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in outputs.items()) or "none"


def _other_defaults(step: StepPlan, signature: StepSignature, given: Collection[str]) -> Iterator[str]:
    """Yield a line for each parameter that stays as it was recorded while its default is another now."""
    for name, value in step.parameters.items():
        argument = signature.arguments.get(name)
        if argument is None or argument.kind != "value" or argument.default is REQUIRED or name in given:
            continue
        try:
            default = encode(argument.annotation, argument.default)
        except UnfitValueError:
            continue
        if default != value:
            yield (
                f"parameter {name!r} of step {step.name!r} stays {value!r}, as recorded; "
                f"its default is {default!r} now"
            )

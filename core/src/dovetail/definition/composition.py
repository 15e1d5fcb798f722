"""Compositions: the calls of steps that one run of a pipeline's function made, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dovetail.definition.handle import Handle, holds_handle, target
from dovetail.definition.options import PipelineOptions, legal_name
from dovetail.definition.step import StepDefinition, StepInstance, as_instance
from dovetail.errors import DefinitionError, did_you_mean


@dataclass(slots=True, eq=False)
class Node:
    """One call of a step. `arguments` holds handles and values; `after` names steps to wait for."""

    name: str
    instance: StepInstance[..., Any]
    arguments: Mapping[str, Any]
    where: str
    after: list[str] = field(default_factory=list)
    waits: list[object] = field(default_factory=list)
    outputs: tuple[str, ...] = ()

    def wait_for(self, steps: tuple[object, ...]) -> None:
        """Wait for these as well."""
        self.waits.extend(steps)


class Composition:
    """What a pipeline consists of, before it meets a stack. `nodes` are in the order of the calls."""

    def __init__(self, pipeline: str, where: str, options: PipelineOptions) -> None:
        self.pipeline = pipeline
        self.where = where
        self.options = options
        self.nodes: list[Node] = []
        self._named: dict[str, Node] = {}
        self._counts: dict[str, int] = {}
        self._of: dict[int, list[Node]] = {}
        self._deferred: dict[int, tuple[StepInstance[..., Any], object, str]] = {}

    def add(self, instance: StepInstance[..., Any], arguments: Mapping[str, Any], where: str) -> Handle:
        """Add a call of a step; return the handle of its outputs."""
        for name, value in arguments.items():
            self._check_argument(instance, name, value, where)
        outputs = instance.definition.signature.output_names
        node = Node(self._name(instance, where), instance, arguments, where, outputs=outputs)
        node.waits.extend(instance.waits)
        self._deferred.pop(id(instance.waits), None)
        self._named[node.name] = node
        self.nodes.append(node)
        for origin in {id(instance), id(instance.definition)}:
            self._of.setdefault(origin, []).append(node)
        return Handle(node, outputs[0] if len(outputs) == 1 else None)

    def defer(self, derived: StepInstance[..., Any], origin: object, where: str) -> None:
        """Note what `.after(...)` made: it is called later, or was meant for the one call of its origin."""
        # Copies made by `with_options` and the like share the tuple, so it is what they are known by.
        known = self._deferred.pop(id(getattr(origin, "waits", None)), None)
        self._deferred[id(derived.waits)] = (derived, known[1] if known else origin, where)

    def close(self) -> None:
        """Settle the names of what steps wait for.

        Raises:
            DefinitionError: there are no steps, or something is waited for that is no step of the pipeline.
        """
        for derived, origin, where in self._deferred.values():
            nodes = self._of.get(id(origin), [])
            if len(nodes) != 1:
                raise DefinitionError(
                    f"the result of .after(...) on step {derived.definition.name!r} is not called",
                    hint="`.after` returns a new step: call that, `train.after(load)(data)`",
                    where=where,
                )
            nodes[0].wait_for(derived.waits)
        if not self.nodes:
            raise DefinitionError(
                f"pipeline {self.pipeline!r} has no steps", hint="call steps in its body", where=self.where
            )
        for node in self.nodes:
            if node.waits:
                names = (name for each in node.waits for name in self._targets(node, each))
                node.after = list(dict.fromkeys(names))

    def _check_argument(self, instance: StepInstance[..., Any], name: str, value: object, where: str) -> None:
        about = f"argument {name!r} of step {instance.definition.name!r}"
        if isinstance(value, Handle):
            node, output = target(value)
            if not self._holds(node):
                raise DefinitionError(
                    f"{about} is an output of another pipeline ({node.where})",
                    hint="pass outputs of steps that this body calls",
                    where=where,
                )
            if output is None:
                has = f"outputs {', '.join(node.outputs)}" if node.outputs else "no outputs"
                raise DefinitionError(
                    f"{about} is the step {node.name!r} as a whole, which has {has}",
                    hint="pass one of them: unpack the result, or take it by name"
                    if node.outputs
                    else "to order steps without passing anything use `.after(...)`",
                    where=where,
                )
        elif as_step(value):
            raise DefinitionError(f"{about} is a step itself, not its output", hint="call it", where=where)
        elif type(value) not in _PLAIN and holds_handle(value):
            raise DefinitionError(
                f"{about} holds outputs of steps inside a {type(value).__name__}",
                hint="pass each output as an argument of its own, or join them in a step",
                where=where,
            )

    def _name(self, instance: StepInstance[..., Any], where: str) -> str:
        """Return a name that no other call has."""
        given = instance.given_name
        wanted = given or instance.slot or instance.definition.name
        if given is None and wanted in self._named:
            count = self._counts.get(wanted, 1) + 1
            while f"{wanted}_{count}" in self._named:
                count += 1
            self._counts[wanted] = count
            wanted = f"{wanted}_{count}"
        if (other := self._named.get(wanted)) is not None:
            raise DefinitionError(
                f"two steps are named {wanted!r}: the other is at {other.where}",
                hint="give each call a name of its own, `.with_options(name=...)`",
                where=where,
            )
        return legal_name("step", wanted, where)

    def _holds(self, node: Any) -> bool:  # noqa: ANN401 - a node of any composition
        return self._named.get(node.name) is node

    def _targets(self, node: Node, wanted: object) -> Sequence[str]:
        """Return the names of the steps that `.after(wanted)` means."""
        if isinstance(wanted, Handle):
            found, _ = target(wanted)
            if self._holds(found):
                return [str(found.name)]
        elif isinstance(wanted, str):
            if wanted in self._named:
                return [wanted]
            raise DefinitionError(
                f"step {node.name!r} is to run after {wanted!r}, no step of pipeline {self.pipeline!r}",
                hint=did_you_mean(wanted, list(self._named)),
                where=node.where,
            )
        elif as_step(wanted) and (nodes := self._of.get(id(wanted)) or self._of.get(id(_definition(wanted)))):
            return [each.name for each in nodes]
        raise DefinitionError(
            f"step {node.name!r} is to run after {wanted!r}, which is no call in pipeline {self.pipeline!r}",
            hint="name a step, its handle, or a step that this body calls",
            where=node.where,
        )


_PLAIN = {int, str, float, bool, type(None)}


def as_step(value: object) -> bool:
    """Say whether `value` is a step rather than an output or a value."""
    return isinstance(value, StepInstance | StepDefinition) or as_instance(value) is not None


def _definition(value: object) -> object:
    instance = as_instance(value)
    return None if instance is None else instance.definition

"""The compiler: a composition, a stack's flavors and the known materializers become a plan."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail.definition.composition import Composition, Node
from dovetail.definition.handle import Handle, target
from dovetail.definition.options import StepOptions as SaidOptions
from dovetail.definition.signature import Argument
from dovetail.definition.step import StepDefinition
from dovetail.errors import PlanError
from dovetail.materializers.registry import Registry
from dovetail.planning.code import SourceReader
from dovetail.planning.edges import assignable
from dovetail.planning.graph import CycleError, order
from dovetail.planning.options import compile_options, plain_mapping
from dovetail.planning.overrides import Laid, Overrides
from dovetail.planning.parameters import Parameters
from dovetail.planning.step_outputs import classes_of_output, own_materializers, plan_outputs
from dovetail.records.plan import OutputPlan, Plan, SourceRef, StepInput, StepOptions, StepPlan

_CORE = {"dovetail", "builtin", "custom"}


def compile_plan(
    composition: Composition,
    *,
    root: Path,
    flavors: Mapping[str, str],
    materializers: Registry,
    overrides: Sequence[Overrides] = (),
    enable_cache: bool | None = None,
) -> Plan:
    """Return the plan of a composition on a stack. Nothing is run or written.

    Args:
        composition: The calls of steps.
        root: The source root; paths in the plan are relative to it.
        flavors: Qualified flavor by component type.
        materializers: What stores which type.
        overrides: Parameters and options laid over those of the code, later ones on top.
        enable_cache: What holds for steps that say nothing, in place of what the pipeline says.

    Raises:
        DefinitionError: a step is written wrongly, or lacks an argument.
        PlanError: steps do not fit each other, or an override fits no step.
        MaterializerError: nothing stores the type of an output.
    """
    laid = Laid(overrides, [node.name for node in composition.nodes])
    said = (enable_cache, laid.enable_cache, composition.options.enable_cache, True)
    compiler = _Compiler(
        reader=SourceReader(root),
        materializers=materializers,
        overrides=laid,
        enable_cache=next(each for each in said if each is not None),
    )
    with _collection_paused():
        steps = {node.name: compiler.step(node) for node in composition.nodes}
    places = {node.name: node.where for node in composition.nodes}
    try:
        names = order({name: step.upstream() for name, step in steps.items()})
    except CycleError as error:
        raise CycleError(error.cycle, places[error.cycle[0]]) from None
    wheels = {each.partition("/")[0] for each in (*flavors.values(), *compiler.used)}
    return Plan(
        format=1,
        pipeline=composition.pipeline,
        steps=tuple(steps[name] for name in names),
        flavors=dict(sorted(flavors.items())),
        requires=tuple(sorted(wheels - _CORE)),
        settings=plain_mapping(
            "settings", {**composition.options.settings, **laid.settings}, composition.where
        ),
    )


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Look for no garbage in the block: it drops nothing, so each look is longer than the last, in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Told:
    """What steps of one definition and one set of options have in common."""

    source: SourceRef
    outputs: tuple[OutputPlan, ...]
    options: StepOptions


class _Compiler:
    """Compiles single steps; what several of them share is worked out once."""

    def __init__(
        self, reader: SourceReader, materializers: Registry, overrides: Laid, *, enable_cache: bool
    ) -> None:
        self.used: set[str] = set()
        self._reader = reader
        self._materializers = materializers
        self._overrides = overrides
        self._enable_cache = enable_cache
        self._told: dict[tuple[int, ...], tuple[object, _Told]] = {}
        self._changed: dict[str, SaidOptions] = {}
        self._handed: dict[tuple[int, int, str], list[type]] = {}
        self._parameters = Parameters(overrides.parameters)
        self._checked_edges: set[tuple[int, str, int, str]] = set()

    def step(self, node: Node) -> StepPlan:
        """Return the plan of one step."""
        definition = node.instance.definition
        signature = definition.signature
        inputs: dict[str, StepInput] = {}
        handed: dict[type, None] = {}
        for name, argument in signature.arguments.items():
            if isinstance(value := node.arguments.get(name), Handle):
                inputs[name] = self._input(node, argument, value)
                handed.update(dict.fromkeys(self._classes_of(value)))
        told = self._tell(definition, self._said(node), tuple(handed))
        return StepPlan(
            name=node.name,
            source=told.source,
            inputs=inputs,
            parameters=self._parameters.of(node, inputs),
            outputs=told.outputs,
            after=tuple(node.after),
            options=told.options,
        )

    def _said(self, node: Node) -> SaidOptions:
        """Return the options of a call, with what is laid over them."""
        changes = self._overrides.options.get(node.name)
        if not changes:
            return node.instance.options
        if node.name not in self._changed:
            self._changed[node.name] = node.instance.options.changed(changes, node.where)
        return self._changed[node.name]

    def _classes_of(self, value: Handle) -> list[type]:
        """Return the classes that a step depends on because this is an input of it."""
        producer, output = target(value)
        definition, said = producer.instance.definition, self._said(producer)
        key = (id(definition), id(said), str(output))
        if key not in self._handed:
            self._handed[key] = classes_of_output(definition, said, str(output))
        return self._handed[key]

    def _tell(
        self, definition: StepDefinition[..., Any], said: SaidOptions, handed: tuple[type, ...]
    ) -> _Told:
        key = (id(definition), id(said), *map(id, handed))
        if key not in self._told:
            outputs = plan_outputs(definition, said, self._materializers)
            self.used.update(each.materializer.name for each in outputs)
            made = _Told(
                source=self._reader.ref(definition, *own_materializers(said), *handed),
                outputs=outputs,
                options=compile_options(said, enable_cache=self._enable_cache, where=definition.where),
            )
            self._told[key] = ((definition, said, handed), made)
        return self._told[key][1]

    def _input(self, node: Node, argument: Argument, value: Handle) -> StepInput:
        producer, named = target(value)
        output = str(named)
        found = StepInput(step=producer.name, output=output)
        definition, origin = node.instance.definition, producer.instance.definition
        key = (id(origin), output, id(definition), argument.name)
        if key in self._checked_edges:
            return found
        if argument.kind == "config":
            raise PlanError(
                f"argument {argument.name!r} of step {node.name!r} is a parameter object, not an input",
                hint="pass values; what a step computes goes to an argument of another type",
                where=node.where,
            )
        given = next(each.annotation for each in origin.signature.outputs if each.name == output)
        if not assignable(given, argument.annotation):
            names = [self._materializers.type_name(each) for each in (given, argument.annotation)]
            raise PlanError(
                f"step {node.name!r} wants {names[1]} for {argument.name!r} ({definition.where}),"
                f" but output {output!r} of step {producer.name!r} is {names[0]} ({origin.where})",
                hint="change one of the annotations, or put a step in between that converts",
                where=node.where,
            )
        self._checked_edges.add(key)
        return found

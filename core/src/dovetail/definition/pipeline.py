"""Pipelines: functions whose body calls steps, run once to learn which, in either form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dovetail.definition.body import CURRENT
from dovetail.definition.composition import Composition
from dovetail.definition.options import PipelineOptions, legal_name
from dovetail.definition.step import StepInstance, as_instance, definition_of
from dovetail.errors import DefinitionError, did_you_mean


class PipelineDefinition:
    """A pipeline as it was written; `compose` runs its function and returns the calls.

    The arguments of the function are steps (the classic form), values, or both.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        enable_cache: bool | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is None:
            raise DefinitionError(f"{function!r} cannot be made a pipeline", hint="decorate a function")
        self.function = function
        self.where = f"{code.co_filename}:{code.co_firstlineno}"
        self.name = legal_name("pipeline", name or getattr(function, "__name__", None), self.where)
        self.options = PipelineOptions().changed(
            {"enable_cache": enable_cache, "settings": settings or {}}, self.where
        )
        if any(
            check(function)
            for check in (
                inspect.iscoroutinefunction,
                inspect.isgeneratorfunction,
                inspect.isasyncgenfunction,
            )
        ):
            raise DefinitionError(
                f"pipeline {self.name!r} is async or a generator",
                hint="write a plain function",
                where=self.where,
            )

    def with_options(self, **options: Any) -> PipelineDefinition:
        """Return the pipeline with another `name`, `enable_cache` or `settings`, which are merged by key."""
        name = options.pop("name", self.name)
        said = self.options.changed(options, self.where)
        return PipelineDefinition(
            self.function, name=name, enable_cache=said.enable_cache, settings=said.settings
        )

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what each argument of the function is given, defaults included.

        Raises:
            DefinitionError: an argument is missing, unknown or given twice, or is not the step that its
                annotation wants.
        """
        signature = inspect.signature(self.function)
        for name in kwargs:
            if name not in signature.parameters and not _takes_any(signature):
                raise DefinitionError(
                    f"pipeline {self.name!r} has no argument {name!r}",
                    hint=did_you_mean(name, list(signature.parameters)) or "it takes none",
                    where=self.where,
                )
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise DefinitionError(
                f"pipeline {self.name!r}: {error}",
                hint=f"it takes {', '.join(signature.parameters) or 'none'}",
                where=self.where,
            ) from error
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            self._check_step(name, signature.parameters[name].annotation, value)
        return dict(bound.arguments)

    def compose(self, *args: Any, **kwargs: Any) -> Composition:
        """Run the function once and return the calls of steps it makes.

        Raises:
            DefinitionError: arguments or calls are wrong; whatever else the function raises.
        """
        given = self.arguments(args, kwargs)
        composition = Composition(self.name, self.where, self.options)
        token = CURRENT.set(composition)
        try:
            _call(self.function, given)
        finally:
            CURRENT.reset(token)
        composition.close()
        return composition

    def _check_step(self, name: str, annotation: object, value: object) -> None:
        wanted = as_instance(annotation)
        if wanted is None:
            return
        found = as_instance(value)
        if found is None or not _is_kind(found, wanted, annotation):
            raise DefinitionError(
                f"pipeline {self.name!r} wants step {wanted.definition.name!r} as {name!r}, not {value!r}",
                hint="pass that step, or leave the annotation out to admit any",
                where=self.where,
            )

    def __repr__(self) -> str:
        """Name the pipeline."""
        return f"<pipeline {self.name!r}>"


def _is_kind(found: StepInstance[..., Any], wanted: StepInstance[..., Any], annotation: object) -> bool:
    if inspect.isclass(annotation):
        return isinstance(found, annotation)
    return found.definition is definition_of(wanted)


def _takes_any(signature: inspect.Signature) -> bool:
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in signature.parameters.values())


def _call(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Call `function` with its arguments, steps among them in the slots they were given to."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        value = given[name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args.extend(_in_slot(each, None) for each in value)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kwargs.update({key: _in_slot(each, key) for key, each in value.items()})
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            kwargs[name] = _in_slot(value, name)
        else:
            args.append(_in_slot(value, name))
    function(*args, **kwargs)


def _in_slot(value: Any, slot: str | None) -> Any:  # noqa: ANN401 - any argument
    instance = as_instance(value)
    if instance is None:
        return value
    return instance if slot is None else instance.in_slot(slot)

"""Steps: `@step` on functions and classes, what it returns, and instances with bound arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, Self, TypeVar, Unpack, cast, overload

from dovetail.definition.binding import bind
from dovetail.definition.body import CURRENT, call_site, calling_module
from dovetail.definition.handle import holds_handle
from dovetail.definition.options import StepOptions, StepOptionValues, legal_name
from dovetail.definition.placeholder import entry_name, open_placeholders, placeholder
from dovetail.definition.quiet import ending_quietly
from dovetail.definition.signature import StepSignature, enclosing_names, signature_of
from dovetail.errors import DefinitionError

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S", bound="BaseStep")


class StepDefinition(Generic[P, R]):
    """A step as it was written: what `@step` makes of a function or a class.

    In the body of a pipeline call it with its inputs and parameters; the call adds the step and returns
    handles of its outputs. To a type checker it is the function itself. Outside of a body a call binds
    arguments and returns a `StepInstance`, to be given to a pipeline.
    """

    name: str
    options: StepOptions
    source: Callable[..., Any]
    where: str
    home: Mapping[str, Any]
    """The names of the module in which the step was made."""

    def __init__(self, source: Callable[..., Any], options: StepOptions, where: str) -> None:
        functools.update_wrapper(self, source, updated=())
        self.source = source
        self.options = options
        self.where = where
        self.home = calling_module()
        self.name = options.name or legal_name("step", getattr(source, "__name__", None), where)
        self._names = enclosing_names(self._entry())
        self._signature: StepSignature | None = None

    @property
    def signature(self) -> StepSignature:
        """Return the signature; it is read when first asked for, so annotations may look ahead.

        Raises:
            DefinitionError: it cannot be the signature of a step, or a placeholder is not overridden.
        """
        if self._signature is None:
            if missing := self.placeholders():
                raise DefinitionError(
                    f"step {self.name!r} does not override {', '.join(missing)}",
                    hint="override it with typed arguments and a typed result",
                    where=self.where,
                )
            self._signature = signature_of(
                self._entry(),
                name=self.name,
                where=self.where,
                names=self._names,
                method=inspect.isclass(self.source),
            )
        return self._signature

    @property
    def entrypoint(self) -> Callable[P, R]:
        """Return the plain function, to be called in a unit test and by the run."""
        if inspect.isclass(self.source):
            return cast("Callable[P, R]", getattr(self.source(), entry_name(self.source)))
        return cast("Callable[P, R]", self.source)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add the step to the pipeline that is being composed, or bind arguments outside of one."""
        return cast("R", StepInstance(self).called(args, kwargs))

    def configure(self, **arguments: Any) -> StepInstance[P, R]:
        """Return the step with these arguments bound."""
        return StepInstance(self).configure(**arguments)

    def with_options(self, **options: Unpack[StepOptionValues]) -> StepInstance[P, R]:
        """Return the step with options changed; this definition stays as it is."""
        return StepInstance(self).with_options(**options)

    def after(self, *steps: object) -> StepInstance[P, R]:
        """Return the step made to wait for others: handles, steps, or names of steps."""
        derived = StepInstance(self)._waiting(steps)  # noqa: SLF001 - its own instance
        _defer(derived, self)
        return derived

    def placeholders(self) -> list[str]:
        """Return the placeholder methods that a class step still has to override."""
        return open_placeholders(self.source) if inspect.isclass(self.source) else []

    def _entry(self) -> Callable[..., Any]:
        if inspect.isclass(self.source):
            return cast("Callable[..., Any]", getattr(self.source, entry_name(self.source)))
        return self.source

    def __repr__(self) -> str:
        """Name the step."""
        return f"<step {self.name!r}>"


class StepInstance(Generic[P, R]):
    """A step with arguments, options and order bound; immutable, every change returns a new one."""

    __slots__ = ("_bound", "_definition", "_options", "_slot", "_waits")

    _definition: StepDefinition[Any, Any]
    _options: StepOptions
    _bound: Mapping[str, Any]
    _waits: tuple[object, ...]
    _slot: str | None

    def __init__(self, definition: StepDefinition[P, R]) -> None:
        self._definition = definition
        self._options = definition.options
        self._bound = {}
        self._waits = ()
        self._slot = None

    @property
    def definition(self) -> StepDefinition[Any, Any]:
        """Return what this is an instance of."""
        return self._definition

    @property
    def options(self) -> StepOptions:
        """Return the definition's options with the changes of this instance."""
        return self._options

    @property
    def bound(self) -> Mapping[str, Any]:
        """Return the arguments bound so far."""
        return self._bound

    @property
    def waits(self) -> tuple[object, ...]:
        """Return what `.after(...)` was told, as given."""
        return self._waits

    @property
    def slot(self) -> str | None:
        """Return the argument of the pipeline that this instance was given as."""
        return self._slot

    @property
    def given_name(self) -> str | None:
        """Return the name that `with_options` gave this instance, None where it goes by that of the step."""
        return None if self._options.name is self._definition.options.name else self._options.name

    @property
    def signature(self) -> StepSignature:
        """Return the signature of the definition."""
        return self._definition.signature

    @property
    def where(self) -> str:
        """Return where the step is defined, `file:line`."""
        return self._definition.where

    def call(self, arguments: Mapping[str, Any], context: object = None) -> Any:  # noqa: ANN401 - what it returns
        """Do the step's work; `context` goes to the argument that is annotated with the step context."""
        kinds = self.signature.arguments.values()
        wanted = {each.name: context for each in kinds if each.kind == "context"}
        return self._definition.entrypoint(**arguments, **wanted)

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Add the step to the pipeline that is being composed."""
        if CURRENT.get() is None:
            raise DefinitionError(
                f"step {self._definition.name!r} was called outside of a pipeline",
                hint="call it in the body of a @pipeline; `.entrypoint` is the plain function",
                where=call_site(),
            )
        return cast("R", self.called(args, kwargs))

    def called(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - see below
        """Return handles of a new call in the current body; outside of one, an instance with this bound."""
        body, where = CURRENT.get(), call_site()
        bound = self._bind(args, kwargs, where)
        if body is not None:
            return body.add(self, bound, where)
        return self._with(_bound=bound)

    def configure(self, *args: Any, **arguments: Any) -> Self:
        """Return an instance with these arguments bound on top of those before."""
        where = call_site()
        for name, value in arguments.items():
            if holds_handle(value):
                raise DefinitionError(
                    f"argument {name!r} of step {self._definition.name!r} is the output of another step",
                    hint="bind only values; pass outputs where the step is called in the body",
                    where=where,
                )
        return self._with(_bound=self._bind(args, arguments, where))

    def with_options(self, **options: Unpack[StepOptionValues]) -> Self:
        """Return an instance with options changed."""
        return self._with(_options=self._options.changed(cast("dict[str, Any]", options), call_site()))

    def after(self, *steps: object) -> Self:
        """Return an instance that also waits for others: handles, steps, or names of steps."""
        derived = self._waiting(steps)
        _defer(derived, self)
        return derived

    def in_slot(self, slot: str) -> Self:
        """Return the instance as a pipeline's body gets it through its argument `slot`."""
        return self._with(_slot=slot)

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], where: str) -> dict[str, Any]:
        if not args and not kwargs:
            return dict(self._bound)
        definition = self._definition
        return bind(definition.name, definition.signature.arguments, self._bound, args, kwargs, where)

    def _waiting(self, steps: tuple[object, ...]) -> Self:
        return self._with(_waits=(*self._waits, *steps))

    def _with(self, **changes: Any) -> Self:
        copy = object.__new__(type(self))
        for name in StepInstance.__slots__:
            object.__setattr__(copy, name, changes.get(name, getattr(self, name)))
        if attributes := getattr(self, "__dict__", None):  # set on a BaseStep; `called` refuses them
            copy.__dict__.update(attributes)
        return copy

    def __repr__(self) -> str:
        """Name the step."""
        bound = ", ".join(self._bound) or "nothing"
        return f"<step {self._options.name or self._definition.name!r} with {bound} bound>"


def _defer(derived: StepInstance[..., Any], origin: object) -> None:
    if derived.waits and (body := CURRENT.get()) is not None:
        body.defer(derived, origin, call_site())


class BaseStep(StepInstance[..., Any]):
    """A step as a class: override `entrypoint`; construct it with its parameters.

    ::

        class Trainer(BaseStep, enable_cache=False):
            def entrypoint(self, data: list[float], epochs: int = 3) -> float: ...

        training(trainer=Trainer(epochs=5))

    A run constructs the class anew in the step's process: what is no argument of `entrypoint` does not
    get there, so `__init__` cannot be overridden. Options stand in the class statement.
    """

    entry: ClassVar[str] = "entrypoint"
    """The method that a run calls while `entrypoint` is not overridden; a layer may name one of its own."""

    dovetail_definition: ClassVar[StepDefinition[..., Any]]

    def __init_subclass__(cls, **options: Unpack[StepOptionValues]) -> None:
        """Make a step of the subclass; `options` are those of `@step`."""
        super().__init_subclass__()
        where = call_site()
        if taken := sorted(_TAKEN & vars(cls).keys()):
            raise DefinitionError(
                f"step class {cls.__name__!r} defines {', '.join(taken)}, which every step has already",
                hint="arguments of a step stand in `entrypoint`; use another name for anything else",
                where=where,
            )
        cls.dovetail_definition = _define(cls, cast("dict[str, Any]", options), where)

    def __init__(self, *args: Any, **arguments: Any) -> None:
        super().__init__(type(self).dovetail_definition)
        if args or arguments:
            object.__setattr__(self, "_bound", self.configure(*args, **arguments).bound)

    @placeholder
    def entrypoint(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Do the step's work. Override it with typed arguments and a typed result."""
        raise NotImplementedError

    def called(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - handles
        if lost := sorted(vars(self)):
            raise DefinitionError(
                f"step {self.definition.name!r} was given {', '.join(lost)}, which no run would see",
                hint="make it an argument of `entrypoint`",
                where=call_site(),
            )
        return super().called(args, kwargs)


_TAKEN = {*(name for name in vars(StepInstance) if name[:2] != "__"), "__init__", "__new__", "__call__"}


def _define(source: Callable[..., Any], options: Mapping[str, Any], where: str) -> StepDefinition[..., Any]:
    return StepDefinition(source, StepOptions().changed(options, where), where)


class _Entry(Protocol[P, R_co]):
    """A class with an entrypoint."""

    def entrypoint(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class _Decorator(Protocol):
    """What `@step(...)` with options is."""

    @overload
    def __call__(self, source: type[S], /) -> type[S]: ...  # type: ignore[overload-overlap] # as in `step`
    @overload
    def __call__(self, source: type[_Entry[P, R]], /) -> StepDefinition[P, R]: ...
    @overload
    def __call__(self, source: Callable[P, R], /) -> StepDefinition[P, R]: ...


@overload
def step(source: type[S], /) -> type[S]: ...  # type: ignore[overload-overlap] # the narrower one is meant
@overload
def step(source: type[_Entry[P, R]], /) -> StepDefinition[P, R]: ...
@overload
def step(source: Callable[P, R], /) -> StepDefinition[P, R]: ...
@overload
def step(**options: Unpack[StepOptionValues]) -> _Decorator: ...
def step(source: Any = None, /, **options: Any) -> Any:
    """Make a step of a function, or of a class with an `entrypoint`.

    ::

        @step(enable_cache=False)
        def train(data: list[float], epochs: int = 3) -> float: ...

    Every argument and the result are annotated: what a pipeline passes for an argument decides whether it
    is an input (the output of another step) or a parameter (a value). Options are listed at
    `StepOptionValues`. A class derived from `BaseStep` stays a class.

    Raises:
        DefinitionError: what is decorated cannot be a step, or an option is wrong.
    """
    where = call_site()

    def decorate(source: Any) -> Any:  # noqa: ANN401 - see the overloads
        # No decorator: its frame would stand for the module that calls.
        with ending_quietly():
            if inspect.isclass(source) and issubclass(source, BaseStep):
                source.dovetail_definition = _define(source, options, where)
                return source
            if isinstance(source, StepInstance | StepDefinition) or not callable(source):
                raise DefinitionError(
                    f"{source!r} cannot be made a step",
                    hint="decorate a function, or a class with `entrypoint`",
                    where=where,
                )
            if inspect.isclass(source) and not hasattr(source, "entrypoint"):
                raise DefinitionError(f"class {source.__name__!r} has no `entrypoint`", where=where)
            return _define(source, options, _defined_at(source) or where)

    return decorate if source is None else decorate(source)


def _defined_at(source: Callable[..., Any]) -> str | None:
    code = getattr(inspect.unwrap(source), "__code__", None)
    return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def definition_of(source: Any) -> StepDefinition[..., Any]:  # noqa: ANN401 - whatever may be a step
    """Return the definition behind a step, a class derived from BaseStep, or an object a plan refers to.

    A plan names the function or class that was decorated, or the module's name of the step.
    """
    if isinstance(source, StepDefinition):
        return source
    if isinstance(source, StepInstance):
        return source.definition
    if inspect.isclass(source) and issubclass(source, BaseStep):
        return source.dovetail_definition
    return cast("StepDefinition[..., Any]", step(source))


def instance_of(source: Any) -> StepInstance[..., Any]:  # noqa: ANN401 - whatever may be a step
    """Return an instance with nothing bound of what `definition_of` accepts, or the instance itself."""
    return as_instance(source) or StepInstance(definition_of(source))


def as_instance(source: object) -> StepInstance[..., Any] | None:
    """Return an instance for whatever a pipeline takes as a step; None for anything else."""
    if isinstance(source, StepInstance):
        return source
    if isinstance(source, StepDefinition):
        return StepInstance(source)
    if inspect.isclass(source) and issubclass(source, BaseStep):
        return source()
    return None

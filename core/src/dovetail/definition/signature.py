"""Signatures of steps: which arguments a step takes, which outputs it gives, and what is wrong with them."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Literal

from dovetail.definition.outputs import Form, OutputSignature, declared, take_apart
from dovetail.errors import DefinitionError

REQUIRED: Any = inspect.Parameter.empty
"""The default of an argument that has none."""

Kind = Literal["value", "config", "context"]

_VALUES = (bool, int, float, complex, str, bytes, list, tuple, dict, set)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a step.

    `kind` is `config` where the annotation is a parameter class (BaseStepConfig), `context` where it is
    the step context, which the run passes by itself, and `value` for everything else: whether that is an
    input or a parameter is decided by what the pipeline passes.
    """

    name: str
    annotation: Any
    default: Any = REQUIRED
    kind: Kind = "value"


@dataclass(frozen=True, slots=True)
class StepSignature:
    """What goes into a step and what comes out, by name and in order."""

    arguments: Mapping[str, Argument]
    outputs: tuple[OutputSignature, ...]
    form: Form
    where: str
    output_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "output_names", tuple(each.name for each in self.outputs))

    def annotations(self) -> dict[str, Any]:
        """Return the annotation of each argument."""
        return {each.name: each.annotation for each in self.arguments.values()}

    def split(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - what a step returned
        """Return the value of each output by name.

        Raises:
            DefinitionError: `value` is not what the step's annotation declares.
        """
        try:
            return dict(take_apart(value, self.form, self.output_names))
        except DefinitionError as error:
            error.where = self.where
            raise


def signature_of(
    function: Callable[..., Any], *, name: str, where: str, names: Mapping[str, Any], method: bool = False
) -> StepSignature:
    """Read the signature of a step's function; `names` are those of the scope around its definition.

    Raises:
        DefinitionError: something is not annotated, cannot be resolved, or has no place in a step; the
            message lists everything that is wrong.
    """
    plain = inspect.unwrap(function)
    evaluate = _Evaluator(plain, names)
    problems = [*_kind_problems(plain)]
    arguments: dict[str, Argument] = {}
    try:
        found = inspect.signature(function)
    except NameError as error:  # annotations are evaluated here from 3.14 on
        raise DefinitionError(f"step {name!r}: {error}", hint="define or import it", where=where) from error
    parameters = list(found.parameters.values())[1 if method else 0 :]
    for parameter in parameters:
        try:
            arguments[parameter.name] = _argument(parameter, evaluate)
        except DefinitionError as error:
            problems.append(error.message)
    form: Form = "one"
    outputs: tuple[OutputSignature, ...] = ()
    try:
        form, outputs = _outputs(found.return_annotation, evaluate)
    except DefinitionError as error:
        problems.append(error.message if error.hint is None else f"{error.message} ({error.hint})")
    if problems:
        raise DefinitionError(
            f"step {name!r}: {'; '.join(problems)}",
            hint="annotate every argument and the result: `def train(data: Data, epochs: int = 3) -> Model`",
            where=where,
        )
    return StepSignature(arguments, outputs, form, where)


def _kind_problems(function: Callable[..., Any]) -> Iterator[str]:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield "it is async, and a step is called plainly"
    elif inspect.isgeneratorfunction(function):
        yield "it is a generator, and a step returns its outputs"


def _argument(parameter: inspect.Parameter, evaluate: _Evaluator) -> Argument:
    """Return the argument, or say what is wrong with it."""
    name = parameter.name
    if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        stars = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
        raise DefinitionError(f"{stars}{name} takes any number of arguments, and each must be named")
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise DefinitionError(f"argument {name!r} is positional only, and steps are called by name")
    if parameter.annotation is inspect.Parameter.empty:
        raise DefinitionError(f"argument {name!r} has no annotation")
    annotation = evaluate(parameter.annotation, None)
    kind: Kind = "value"
    if getattr(annotation, "dovetail_step_config", False) is True:
        kind = "config"
    elif getattr(annotation, "dovetail_step_context", False) is True:
        kind = "context"
    return Argument(name, annotation, parameter.default, kind)


def _outputs(annotation: Any, evaluate: _Evaluator) -> tuple[Form, tuple[OutputSignature, ...]]:  # noqa: ANN401
    if annotation is inspect.Signature.empty:
        raise DefinitionError("the result has no annotation; a step that returns nothing says `-> None`")
    return declared(evaluate(annotation, None), evaluate)


class _Evaluator:
    """Resolves annotations that were written as text."""

    def __init__(self, function: Callable[..., Any], names: Mapping[str, Any]) -> None:
        self._globals = getattr(function, "__globals__", {})
        self._names = names

    def __call__(self, annotation: Any, owner: type | None) -> Any:  # noqa: ANN401 - any annotation
        """Return what `annotation` means where the function, or the class `owner`, was defined."""
        if annotation is None:
            return None
        globals_ = vars(sys.modules[owner.__module__]) if owner else self._globals
        try:
            found = typing.get_type_hints(
                _Holder(annotation), globalns=globals_, localns=dict(self._names), include_extras=True
            )["it"]
        except (NameError, AttributeError, SyntaxError, TypeError) as error:
            text = annotation if isinstance(annotation, str) else repr(annotation)
            raise DefinitionError(f"the annotation {text!r} cannot be resolved: {error}") from error
        if isinstance(found, _VALUES):
            raise DefinitionError(f"the annotation {found!r} is a value, not a type")
        return found


class _Holder:
    """An object with one annotation, as typing.get_type_hints wants it."""

    def __init__(self, annotation: Any) -> None:  # noqa: ANN401 - any annotation
        self.__annotations__ = {"it": annotation}


def enclosing_names(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the local names around the definition of `function` that its annotations may mean.

    To be called while that scope is still running: then names that only exist there can be resolved even
    though annotations are text.
    """
    plain = inspect.unwrap(function)
    code: CodeType | None = getattr(plain, "__code__", None)
    if code is None:
        return {}
    wanted = _words(plain)
    found = {
        name: cell.cell_contents
        for name, cell in zip(code.co_freevars, plain.__closure__ or (), strict=True)
        if name in wanted and _filled(cell)
    }
    for scope in _scopes(plain.__globals__):
        found = {name: scope[name] for name in wanted & scope.keys()} | found
    return found


def _filled(cell: Any) -> bool:  # noqa: ANN401 - a cell has no public type
    try:
        cell.cell_contents  # noqa: B018 - raises where it is empty
    except ValueError:
        return False
    return True


def _scopes(namespace: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the locals of the running functions of that module, the innermost first."""
    frame = sys._getframe(2)  # noqa: SLF001 - as in body.call_site
    while frame is not None:
        if frame.f_globals is namespace and frame.f_locals is not namespace:
            yield dict(frame.f_locals)
        frame = frame.f_back  # type: ignore[assignment] # None at the end


def _words(function: Any) -> set[str]:  # noqa: ANN401 - a function
    """Return all words in those annotations that are text."""
    try:
        texts = [each for each in function.__annotations__.values() if isinstance(each, str)]
    except NameError:  # from 3.14 on they are no text but evaluated on demand, in their own scope
        return set()
    return {word for text in texts for word in _WORD.findall(text)}

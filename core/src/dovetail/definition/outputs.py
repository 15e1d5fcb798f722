"""Outputs of a step: how a return annotation names them, and how a returned value is taken apart."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from dovetail.definition.handle import RESERVED
from dovetail.errors import DefinitionError

T = TypeVar("T")

Form = Literal["one", "tuple", "attributes"]


class Output:
    """Names the outputs of a step: `def split(data: Data) -> Output(train=Data, test=Data)`.

    The step returns a tuple in that order, or the value itself where it is only one.
    """

    __slots__ = ("outputs",)

    def __init__(self, **outputs: Any) -> None:
        self.outputs = outputs

    def __repr__(self) -> str:
        """Return it as it was written."""
        return f"Output({', '.join(f'{name}={each!r}' for name, each in self.outputs.items())})"


def outputs(cls: type[T]) -> type[T]:
    """Declare that each field of a dataclass is an output of its own where a step returns it.

    Without this a dataclass is one value.
    """
    cls.dovetail_outputs = True  # type: ignore[attr-defined] # a mark
    return cls


@dataclass(frozen=True, slots=True)
class OutputSignature:
    """One output: its name, and the type its value has."""

    name: str
    annotation: Any


def declared(
    annotation: Any,  # noqa: ANN401 - any annotation
    evaluate: Callable[[Any, type | None], Any],
) -> tuple[Form, tuple[OutputSignature, ...]]:
    """Return how values are returned and which outputs the return annotation declares.

    `evaluate` resolves what was written as text, in the function or in the class it stands in.

    Raises:
        DefinitionError: two outputs have one name, or a name cannot be one.
    """
    form: Form = "one"
    if annotation is None or annotation is NoneType:
        found: list[tuple[str, Any]] = []
    elif isinstance(annotation, Output):
        found = [(name, evaluate(each, None)) for name, each in annotation.outputs.items()]
        form = "tuple" if len(found) > 1 else "one"
    elif (hints := _fields(annotation)) is not None:
        form, found = "attributes", [(name, evaluate(each, annotation)) for name, each in hints]
    elif get_origin(annotation) is tuple and (parts := get_args(annotation)) and Ellipsis not in parts:
        form, found = "tuple", [_named(part, f"output_{place}") for place, part in enumerate(parts)]
    else:
        found = [_named(annotation, "output")]
    _check_names([name for name, _ in found])
    return form, tuple(OutputSignature(name, each) for name, each in found)


def _fields(annotation: Any) -> list[tuple[str, Any]] | None:  # noqa: ANN401 - any annotation
    """Return name and annotation of the outputs that a class declares as its fields, if it does."""
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        hints = getattr(annotation, "__annotations__", {})
        names = annotation._fields
    elif getattr(annotation, "dovetail_outputs", False):
        if not dataclasses.is_dataclass(annotation):
            raise DefinitionError(
                f"@outputs marks {annotation.__qualname__}, which is no dataclass",
                hint="add @dataclass to it",
            )
        hints = {each.name: each.type for each in dataclasses.fields(annotation)}
        names = tuple(hints)
    else:
        return None
    if missing := [name for name in names if name not in hints]:
        raise DefinitionError(
            f"{annotation.__qualname__} says no type for {', '.join(missing)}",
            hint="derive from typing.NamedTuple and annotate each field",
        )
    return [(name, hints[name]) for name in names]


def _named(annotation: Any, otherwise: str) -> tuple[str, Any]:  # noqa: ANN401 - any annotation
    """Return the name that `Annotated[T, "name"]` gives, and the annotation without it."""
    if get_origin(annotation) is not Annotated:
        return otherwise, annotation
    plain, *notes = get_args(annotation)
    names = [note for note in notes if isinstance(note, str)]
    others = tuple(note for note in notes if not isinstance(note, str))
    return (names[0] if names else otherwise), Annotated[(plain, *others)] if others else plain


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_") or name in RESERVED:
            raise DefinitionError(
                f"{name!r} cannot name an output",
                hint=f"use an identifier, no keyword, without leading '_', and none of {', '.join(RESERVED)}",
            )
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise DefinitionError(f"two outputs are named {doubled[0]!r}", hint="give each output its own name")


def take_apart(value: Any, form: Form, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield each output's name and value of what a step returned.

    Raises:
        DefinitionError: it is not what the annotation declares.
    """
    if not names:
        if value is not None:
            raise DefinitionError(
                f"it returned {type(value).__name__} but is annotated with `-> None`",
                hint="annotate what it returns",
            )
    elif form == "one":
        yield names[0], value
    elif form == "attributes" and not isinstance(value, tuple):
        if missing := [name for name in names if not hasattr(value, name)]:
            raise DefinitionError(
                f"it returned {type(value).__name__}, which lacks {', '.join(missing)}",
                hint="return an instance of the annotated class",
            )
        yield from ((name, getattr(value, name)) for name in names)
    elif not isinstance(value, tuple | list) or len(value) != len(names):
        found = f"{len(value)} values" if isinstance(value, tuple | list) else f"one {type(value).__name__}"
        raise DefinitionError(
            f"it returned {found} for {len(names)} outputs ({', '.join(names)})",
            hint=f"return a tuple of {len(names)} values",
        )
    else:
        yield from zip(names, value, strict=True)

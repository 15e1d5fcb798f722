"""Values of parameters: checked against annotations, written as plain JSON, and read back equal."""

from __future__ import annotations

import enum
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import (
    PydanticSchemaGenerationError,
    PydanticUndefinedAnnotation,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)

from dovetail.definition.signature import REQUIRED, Argument
from dovetail.errors import did_you_mean
from dovetail.hashing import canonical_json
from dovetail.materializers.type_names import type_name
from dovetail.secrets import is_reference, may_hold_secret

_SCALARS = (int, str, float, bool)
_EXAMPLES: dict[type, str] = {int: "3", float: "0.5", bool: "true", str: "text", dict: '{"key": 1}'}
_NO_REFERENCE = "`dovetail secret register NAME` keeps a value; pass '{{ secret.NAME.KEY }}' in place of it"
_REMEDY = "a parameter is a value that JSON can hold: make this one in a step and pass on its output"


class UnfitValueError(Exception):
    """A value cannot be the parameter; `reason` completes `parameter 'x' ...`, `hint` says what to do.

    `field` is that of a parameter object which is wrong, `text` what was read, where it was a text, and
    `annotation` as what.
    """

    def __init__(
        self,
        reason: str,
        hint: str = _REMEDY,
        *,
        text: Text | None = None,
        annotation: Any = None,  # noqa: ANN401 - any annotation
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.text = text
        self.annotation = annotation
        self.field: str | None = None


class Text(str):
    """A value that is read as its annotation asks."""

    __slots__ = ()


class CommandLineText(Text):
    """A text that was given by `--param`."""

    __slots__ = ()


def encode(annotation: Any, value: Any) -> Any:  # noqa: ANN401 - any annotation, any value
    """Return `value` as plain JSON values from which `decode` makes an equal one.

    Raises:
        UnfitValueError: it is not of the type, or JSON cannot hold it.
    """
    if annotation is str and is_reference(value):
        raise UnfitValueError(
            "refers to a secret and is declared 'str'", "declare it dovetail.Secret, and call reveal() on it"
        )
    if type(value) is annotation and annotation in _SCALARS and _is_sayable(value):
        return value
    return (
        _encode_confidential(annotation, value) if may_hold_secret(annotation) else _encode(annotation, value)
    )


def _encode_confidential(annotation: Any, value: Any) -> Any:  # noqa: ANN401 - any annotation, any value
    """Return `value` as JSON. What is said where it is wrong does not show it: it may be a plain secret."""
    try:
        return _encode(annotation, value)
    except UnfitValueError as error:
        cause = error.__cause__
        said = f": {_details(cause)}" if isinstance(cause, ValidationError) else ""
        raise UnfitValueError(f"is not {type_name(annotation)}{said}", _NO_REFERENCE) from None


def _encode(annotation: Any, value: Any) -> Any:  # noqa: ANN401 - any annotation, any value
    if isinstance(value, Text):
        return _encode_text(annotation, value)
    adapter = _adapter(annotation)
    checked = _checked(adapter, annotation, value)
    try:
        document = json.loads(canonical_json(_ordered(adapter, checked)))
        again = adapter.validate_json(canonical_json(document), strict=True, by_name=True, by_alias=True)
    except (ValueError, TypeError, RecursionError, PydanticUserError) as error:
        raise UnfitValueError(f"is {_shown(value)}, which JSON cannot hold: {_first_line(error)}") from error
    if not _equal(again, checked):
        raise UnfitValueError(
            f"is {_shown(value)}, which the step would get as {_shown(again)}",
            f"annotate it more closely than {type_name(annotation)!r}, or pass it as the output of a step",
        )
    return document


def decode(annotation: Any, document: Any) -> Any:  # noqa: ANN401 - any annotation, any JSON value
    """Return the value that `encode` has written. Raises UnfitValueError where it is not of the type."""
    if type(document) is annotation and annotation in _SCALARS:
        return document
    try:
        return _adapter(annotation).validate_json(
            canonical_json(document), strict=True, by_name=True, by_alias=True
        )
    except ValidationError as error:
        raise UnfitValueError(_misfit(annotation, document, error)) from error


def encode_fields(argument: Argument, given: Any, changes: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return a parameter object as JSON: what was given, or its defaults, with `changes` of single fields.

    Raises:
        UnfitValueError: a field is unknown, missing, or of a wrong type.
    """
    cls = argument.annotation
    fields = cls.model_fields
    try:
        document = {} if given is REQUIRED else dict(encode(cls, given))
        for name, value in changes.items():
            if name not in fields:
                hint = did_you_mean(name, list(fields)) or f"{cls.__name__} has no fields"
                raise UnfitValueError(f"has no field {name!r}", hint)
            document[name] = _encode_field(name, fields[name].annotation, value)
        made = cls.model_validate_json(canonical_json(document), strict=True, by_name=True, by_alias=True)
        return encode(cls, made)
    except ValidationError as error:
        missing = [str(each["loc"][0]) for each in error.errors() if each["type"] == "missing"]
        if missing:
            raise UnfitValueError(
                f"lacks {', '.join(missing)}", f"give it: {argument.name}={cls.__name__}({missing[0]}=...)"
            ) from None
        # Not `from error`: that shows what was given, which may be a plain secret.
        raise UnfitValueError(f"is no {cls.__name__}: {_details(error)}", "correct the value") from None


def _checked(adapter: TypeAdapter[Any], annotation: Any, value: Any) -> Any:  # noqa: ANN401
    """Return `value` as its annotation has it; what is not of the type may still be its JSON form."""
    try:
        return adapter.validate_python(value, strict=True, by_name=True, by_alias=True)
    except ValidationError as error:
        try:
            return adapter.validate_json(canonical_json(value), strict=True, by_name=True, by_alias=True)
        except (ValueError, TypeError, RecursionError):
            hint = (
                "pass a value of that type" if isinstance(value, (*_SCALARS, list, dict, tuple)) else _REMEDY
            )
            raise UnfitValueError(_misfit(annotation, value, error), hint) from error


def _encode_field(name: str, annotation: Any, value: Any) -> Any:  # noqa: ANN401
    try:
        return encode(annotation, value)
    except UnfitValueError as error:
        error.field = name
        raise


def _encode_text(annotation: Any, typed: Text) -> Any:  # noqa: ANN401 - any annotation
    text = str(typed)
    if annotation is str:
        return encode(str, text)
    try:
        return encode(annotation, json.loads(text))
    except (ValueError, UnfitValueError):
        pass
    try:
        return encode(annotation, _adapter(annotation).validate_strings(text))
    except ValidationError as error:
        shown = example(annotation)
        raise UnfitValueError(
            _misfit(annotation, text, error),
            "write it as JSON" if shown is None else f"write it like {shown}",
            text=typed,
            annotation=annotation,
        ) from error


def example(annotation: Any) -> str | None:  # noqa: ANN401 - any annotation
    """Return a text that is a value of the type, None where none is known."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation) or annotation
    if origin in {typing.Union, types.UnionType}:
        return next((shown for each in arguments if (shown := example(each)) is not None), None)
    if origin is typing.Annotated:
        return example(arguments[0])
    if origin is typing.Literal:
        return str(arguments[0])
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return next((str(each.value) for each in origin), None)
    if origin in {list, set, frozenset}:
        inner = example(arguments[0]) if arguments else "1"
        return None if inner is None else f"[{json.dumps(inner) if arguments[:1] == (str,) else inner}]"
    return _EXAMPLES.get(origin) if isinstance(origin, type) else None


@functools.lru_cache(maxsize=1024)
def _known_adapter(annotation: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any annotation
    return TypeAdapter(annotation)


def _adapter(annotation: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any annotation
    try:
        hash(annotation)
    except TypeError:
        adapter: Callable[[Any], TypeAdapter[Any]] = TypeAdapter
    else:
        adapter = _known_adapter
    try:
        return adapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as error:
        declared = type_name(annotation)
        raise UnfitValueError(f"is declared {declared!r}, of which JSON can hold none") from error
    except PydanticUserError as error:  # typing.TypedDict before Python 3.12, for one
        raise UnfitValueError(f"is declared {type_name(annotation)!r}", _first_line(error)) from error


def _ordered(adapter: TypeAdapter[Any], value: Any) -> Any:  # noqa: ANN401 - any value
    """Return the JSON form, in which the elements of sets stand in an order that is always the same."""
    document = adapter.dump_python(value, mode="json")
    return _sort_sets(adapter.dump_python(value, mode="python", warnings=False), document)


def _sort_sets(value: Any, document: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(document, list):
        if isinstance(value, set | frozenset):
            return sorted(document, key=canonical_json)
        if isinstance(value, list | tuple) and len(value) == len(document):
            return [_sort_sets(*pair) for pair in zip(value, document, strict=True)]
    if isinstance(document, dict) and isinstance(value, dict) and len(value) == len(document):
        pairs = zip(value.values(), document.items(), strict=True)
        return {key: _sort_sets(each, inner) for each, (key, inner) in pairs}
    return document


def _is_sayable(value: Any) -> bool:  # noqa: ANN401 - a scalar
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or value.isascii() or _is_unicode(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - any values
    try:
        return type(one) is type(other) and bool(one == other)
    except (ValueError, TypeError):  # values whose comparison is no truth value
        return False


def _misfit(annotation: Any, value: Any, error: ValidationError) -> str:  # noqa: ANN401
    return f"is {_shown(value)}, not {type_name(annotation)}: {_details(error)}"


def _details(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _shown(value: Any) -> str:  # noqa: ANN401 - any value
    """Return a short text of a value; of one that is not plain, only its class: it may be large or secret."""
    if value is None or isinstance(value, (*_SCALARS, list, tuple, dict, set)):
        try:
            text = repr(value)
        except RecursionError:
            return f"a {type_name(type(value))} nested too deep"
        return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a part of a line
    return f"a {type_name(type(value))}"

"""Values as JSON that describes itself: what JSON cannot say stands in an object with one key, `$kind`.

Plain values and containers are themselves: `[1, {"a": null}]`. A tuple is `{"$tuple": [1, 2]}`, a mapping
with other keys than text `{"$dict": [[1, "one"]]}`; a text key that begins with `$` makes a mapping such
a list as well. Order of mappings is kept; sets are sorted by their encoding, so one set has one form.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dovetail.errors import MaterializerError
from dovetail.materializers.classes import Classes
from dovetail.materializers.composites import decompose, recompose
from dovetail.materializers.fitting import is_number_of_numpy
from dovetail.materializers.scalars import FROM_TEXT, TO_TEXT
from dovetail.materializers.type_names import class_name

_PLAIN: set[type] = {type(None), bool, int, str, float}
# Above this Python's conversion to decimal digits is slow, and refused from 4300 digits on.
_LONG = 1 << 1024
_WRITER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any, annotation: Any = Any) -> bytes:
    """Return the JSON of a value; `annotation` helps to find classes again.

    Raises:
        MaterializerError: it holds something that could not be given back; the message says where.
    """
    classes = Classes(annotation)
    try:
        try:
            return _WRITER.encode(_Encoder(classes, careful=False).encode(value)).encode()
        except ValueError:  # NaN, an infinity, half a surrogate pair, or a number of thousands of digits
            return _WRITER.encode(_Encoder(classes, careful=True).encode(value)).encode()
    except _UnstorableError as error:
        raise MaterializerError(
            f"value{''.join(reversed(error.place))} is a {error.name!r}, which JSON cannot give back",
            hint=error.hint or "return it as an output of its own type, or convert it to plain values",
        ) from None
    except RecursionError:
        raise MaterializerError(
            "the value is nested too deeply for JSON, or holds itself", hint="return a flatter value"
        ) from None


def decode(data: bytes, annotation: Any = Any) -> Any:
    """Return the value of what `encode` made. No class is imported, no constructor or validator called.

    Raises:
        MaterializerError: it is nothing that `encode` makes, or names a class that is not loaded.
    """
    try:
        return json.loads(data, object_hook=_Decoder(Classes(annotation)).decode)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise MaterializerError(
            f"the file holds no value that can be read: {type(error).__name__}: {error}",
            hint="it was written by another program, or by a newer version of this one",
        ) from error


class _UnstorableError(Exception):
    """A value has no form in JSON; `place` is how to get to it, innermost first."""

    def __init__(self, value: object, hint: str | None = None) -> None:
        super().__init__()
        self.name = class_name(type(value)).removeprefix("builtins.")
        self.hint = hint
        self.place: list[str] = []


class _Encoder:
    """Turns values into what JSON can say. A careful one also looks at each number and text."""

    def __init__(self, classes: Classes, *, careful: bool) -> None:
        self._classes = classes
        self._plain = set() if careful else _PLAIN
        self._kinds: dict[type, Callable[[Any], Any]] = {
            list: self._list,
            dict: self._dict,
            tuple: lambda value: {"$tuple": self._list(value)},
            set: lambda value: {"$set": self._sorted(value)},
            frozenset: lambda value: {"$frozenset": self._sorted(value)},
            bytes: lambda value: {"$bytes": b64encode(value).decode()},
            bytearray: lambda value: {"$bytearray": b64encode(value).decode()},
            type(None): lambda value: value,
            bool: lambda value: value,
            int: lambda value: value if -_LONG < value < _LONG else {"$int": format(value, "x")},
            float: _careful_float,
            str: _careful_text,
        }

    def encode(self, value: Any) -> Any:
        kind = type(value)
        if kind in self._plain:
            return value
        if (encoder := self._kinds.get(kind)) is not None:
            return encoder(value)
        if (scalar := TO_TEXT.get(kind)) is not None:
            try:
                return {f"${scalar[0]}": self.encode(scalar[1](value))}
            except ValueError as error:
                raise _UnstorableError(value, str(error)) from error
        if is_number_of_numpy(value) and type(plain := value.item()) in self._kinds:
            return self.encode(plain)
        return self._composite(value)

    def _composite(self, value: Any) -> Any:
        try:
            parts = decompose(value, self._classes)
        except ValueError as error:
            raise _UnstorableError(value, str(error)) from error
        if parts is None:
            raise _UnstorableError(value)
        kind, content = parts
        return {f"${kind}": [self._named(each, "") for each in content]}

    def _list(self, value: Collection[Any]) -> Any:
        if self._plain.issuperset(map(type, value)):
            return list(value)
        return [self._named(each, f"[{number}]") for number, each in enumerate(value)]

    def _sorted(self, value: Collection[Any]) -> list[Any]:
        encoded = [self._named(each, "{...}") for each in value]
        return sorted(encoded, key=_WRITER.encode)

    def _dict(self, value: Mapping[Any, Any]) -> Any:
        if not all(type(key) is str and not key.startswith("$") for key in value) or (
            not self._plain and any(_careful_text(key) is not key for key in value)
        ):
            pairs = value.items()
            return {
                "$dict": [
                    [self._named(key, ", a key"), self._named(each, f"[{key!r}]")] for key, each in pairs
                ]
            }
        if self._plain.issuperset(map(type, value.values())):
            return value
        return {key: self._named(each, f"[{key!r}]") for key, each in value.items()}

    def _named(self, value: Any, place: str) -> Any:
        try:
            return self.encode(value)
        except _UnstorableError as error:
            error.place.append(place)
            raise


def _careful_float(value: float) -> Any:
    return value if value - value == 0 else {"$float": repr(value)}


def _careful_text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"$text": b64encode(value.encode("utf-8", "surrogatepass")).decode()}
    return value


class _Decoder:
    """Turns the objects of a document, innermost first, into the values they stand for."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes

    def decode(self, document: dict[str, Any]) -> Any:
        if len(document) != 1:
            return document
        ((key, content),) = document.items()
        if not key.startswith("$"):
            return document
        kind = key[1:]
        if (simple := _SIMPLE.get(kind)) is not None:
            return simple(content)
        if (scalar := FROM_TEXT.get(kind)) is not None:
            return scalar(content)
        return recompose(kind, content, self._classes)


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "bytes": b64decode,
    "bytearray": lambda content: bytearray(b64decode(content)),
    "int": lambda content: int(content, 16),
    "float": float,
    "text": lambda content: b64decode(content).decode("utf-8", "surrogatepass"),
}

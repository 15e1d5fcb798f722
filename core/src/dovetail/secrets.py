"""Secrets as steps and settings see them: a reference that may be kept, a value that may not."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from dovetail.errors import ConfigurationError, UsageError
from dovetail.names import check_name
from dovetail.redaction import MASK

_TEXT = re.compile(r"\{\{\s*secret\.(?P<name>[^{}]*?)\.(?P<key>[^{}.]*?)\s*\}\}")
_LOOSE = re.compile(r"\{\{\s*secret\b[^{}]*\}\}")
_HINT = "write '{{ secret.NAME.KEY }}'"


@dataclass(frozen=True, slots=True, order=True)
class SecretReference:
    """Names one value: the key of a secret. This, and never the value, stands in plans and settings."""

    name: str
    key: str

    def __post_init__(self) -> None:
        check_name("secret", self.name)
        check_name("key", self.key)

    def __str__(self) -> str:
        """Return it as it is written: `{{ secret.name.key }}`."""
        return f"{{{{ secret.{self.name}.{self.key} }}}}"

    @classmethod
    def read(cls, text: str) -> SecretReference:
        """Return the reference that `text` is; the last dot ends the name.

        Raises:
            ConfigurationError: it is none.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ConfigurationError("this is no reference to a secret", hint=_HINT)
        return cls(found["name"].strip(), found["key"].strip())


def mentions(text: str) -> bool:
    """Say whether a text has a reference to a secret in it, well written or not."""
    return "{{" in text and _LOOSE.search(text) is not None


def is_reference(text: object) -> bool:
    """Say whether a value is a reference to a secret and nothing else."""
    return isinstance(text, str) and _TEXT.fullmatch(text.strip()) is not None


def references_in(document: Any) -> Iterator[SecretReference]:  # noqa: ANN401 - any plain value
    """Yield the references within plain values, in order."""
    if isinstance(document, str):
        if "{{" in document:
            for found in _LOOSE.finditer(document):
                yield _checked(found[0])
    elif isinstance(document, dict):
        for each in document.values():
            yield from references_in(each)
    elif isinstance(document, list | tuple):
        for each in document:
            yield from references_in(each)


def filled_in(document: Any, value_of: Callable[[SecretReference], str]) -> Any:  # noqa: ANN401
    """Return plain values with each reference replaced by what it stands for."""
    if isinstance(document, str) and "{{" in document:
        return _LOOSE.sub(lambda found: value_of(_checked(found[0])), document)
    if isinstance(document, dict):
        return {key: filled_in(each, value_of) for key, each in document.items()}
    if isinstance(document, list | tuple):
        return type(document)(filled_in(each, value_of) for each in document)
    return document


def _checked(text: str) -> SecretReference:
    try:
        return SecretReference.read(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{text!r}: {error.message}", hint=_HINT) from None


class Secret:
    """A confidential value. What prints, formats or pickles it gets a mask or an error, not the value.

    Annotate a parameter of a step with it, and pass `Secret.of("db", "password")` or the text
    `"{{ secret.db.password }}"`: plan, records and cache key hold the reference, and the value is looked
    up where the step runs. `reveal()` returns it.
    """

    __slots__ = ("_value", "reference")

    dovetail_secret: ClassVar[bool] = True

    def __init__(self, value: str | None, reference: SecretReference | None = None) -> None:
        self._value = value
        self.reference = reference

    @classmethod
    def of(cls, name: str, key: str) -> Secret:
        """Return the secret that a reference stands for; it has a value where a step runs."""
        return cls(None, SecretReference(name, key))

    def reveal(self) -> str:
        """Return the value.

        Raises:
            UsageError: no step is running here that could have it.
        """
        if self._value is not None:
            return self._value
        if not _vaults or self.reference is None:
            raise UsageError(
                f"{self!r} has no value here", hint="call reveal() in the body of a step that gets it"
            )
        return _vaults[-1](self.reference)

    get = reveal

    def __repr__(self) -> str:
        """Return where it is from, not what it is."""
        return f"<secret {MASK if self.reference is None else str(self.reference)!r}>"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        """Return the same as repr."""
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """Say whether both are from one place; values are not compared."""
        if not isinstance(other, Secret):
            return NotImplemented
        return self is other or (self.reference is not None and self.reference == other.reference)

    def __hash__(self) -> int:
        """Return the hash of the place."""
        return id(self) if self.reference is None else hash(self.reference)

    def __copy__(self) -> Secret:
        """Return itself: nothing changes it."""
        return self

    def __deepcopy__(self, _: object) -> Secret:
        """Return itself."""
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        """Refuse to be pickled."""
        raise UsageError(f"{self!r} is not written anywhere", hint="pass its reference on, or what it opens")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> dict[str, Any]:  # noqa: ANN401
        """Let a parameter be checked and written by its reference alone."""
        text = {"type": "function-plain", "function": {"type": "no-info", "function": _from_document}}
        written = {"type": "function-plain", "function": _as_document, "when_used": "json"}
        return {**text, "serialization": written}


_vaults: list[Callable[[SecretReference], str]] = []


def open_vault(value_of: Callable[[SecretReference], str]) -> Callable[[], None]:
    """Let the secrets of this process have values from now on; return what ends that."""
    _vaults.append(value_of)
    return lambda: _vaults.remove(value_of)


def _from_document(value: object) -> Secret:
    """Return the secret that a parameter is given. What is said of a wrong one leaves out the value."""
    if isinstance(value, Secret) and value.reference is not None:
        return value
    if isinstance(value, str) and is_reference(value):
        return Secret(None, SecretReference.read(value))
    raise ValueError("a reference, '{{ secret.NAME.KEY }}', has to stand here")


def _as_document(value: object) -> str:
    return str(value.reference) if isinstance(value, Secret) else ""


def may_hold_secret(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    """Say whether a value of the type may hold a secret, as far as the type says what is in it."""
    return _may_hold(annotation, set())


def _may_hold(annotation: Any, seen: set[int]) -> bool:  # noqa: ANN401 - any annotation
    if id(annotation) in seen:
        return False
    seen.add(id(annotation))
    if annotation is Secret or (isinstance(annotation, str) and "Secret" in annotation):
        return True
    fields = [each.annotation for each in getattr(annotation, "model_fields", {}).values()]
    fields += [each.type for each in getattr(annotation, "__dataclass_fields__", {}).values()]
    return any(_may_hold(each, seen) for each in (*typing.get_args(annotation), *fields))


def hidden_in(value: object) -> Secret | None:
    """Return a secret that is a value or lies in it, in containers and attributes; None where none does."""
    seen: set[int] = set()
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, Secret):
            return each
        if isinstance(each, str | bytes | int | float | None | type) or id(each) in seen:
            continue
        seen.add(id(each))
        left.extend(_contents(each))
    return None


def _contents(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    slots = (name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()))
    return [
        *getattr(value, "__dict__", {}).values(),
        *(getattr(value, name, None) for name in slots if isinstance(name, str)),
    ]

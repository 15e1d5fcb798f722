"""What must not be seen: the confidential values this process knows, and how they are taken out of bytes.

Nothing is known, and nothing is looked for, until a value is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dovetail.references import load

MASK = "********"
SHORTEST = 4
"""Values with fewer characters are not masked: they stand in half of everything that is printed."""

_MASK = MASK.encode()
_values: set[str] = set()
_forms: list[bytes] = []
_expression: list[Any] = []
_listeners: list[Callable[[str], object]] = []


def register(value: str) -> bool:
    """Let `value` be masked from now on, in this process and wherever `listen` passes it on.

    Returns whether it is; a value of fewer than `SHORTEST` characters is not.
    """
    if len(value) < SHORTEST:
        return False
    for each in _listeners:
        each(value)
    if value not in _values:
        _values.add(value)
        found = load("dovetail.disguises:disguises")(value, SHORTEST)
        _forms[:] = sorted({*_forms, *found}, key=lambda form: (-len(form), form))
        # Of an alternation the first that fits is taken: the longest stands first.
        _expression[:] = [load("re:compile")(b"|".join(map(load("re:escape"), _forms)))]
    return True


def listen(listener: Callable[[str], object]) -> Callable[[], None]:
    """Call `listener` with each value that is registered, also with one known before; return what ends it."""
    for value in tuple(_values):
        listener(value)
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def active() -> bool:
    """Say whether anything is known."""
    return bool(_forms)


def mask(text: str) -> str:
    """Return a text without the values that are known."""
    if not _forms:
        return text
    data = text.encode("utf-8", "surrogatepass")
    if not any(form in data for form in _forms):
        return text
    masked: bytes = _expression[0].sub(_MASK, data)
    return masked.decode("utf-8", "surrogatepass")


def masked(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return plain values (what JSON can hold) without those that are known."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {masked(key): masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(masked, value))
    return value


class Stream:
    """Masks what is known in bytes that come in pieces.

    An end that may be the beginning of something known is held until more comes, or until `flush`;
    everything else passes at once.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown by now."""
        if not _forms and not self._held:
            return data
        data = self._held + data
        begun = _begun(data)
        if not any(form in data for form in _forms):
            self._held = data[begun:]
            return data[:begun]
        shown, at = bytearray(), 0
        for match in _expression[0].finditer(data):
            if match.start() >= begun:
                break
            shown += data[at : match.start()] + _MASK
            at = match.end()
        begun = at + _begun(data[at:])
        self._held = data[begun:]
        return bytes(shown + data[at:begun])

    def flush(self) -> bytes:
        """Return what was held: nothing more comes."""
        data, self._held = self._held, b""
        return _expression[0].sub(_MASK, data) if _expression and data else data


def _begun(data: bytes) -> int:
    """Return where the longest end of `data` begins that may become something known."""
    longest = len(_forms[0]) - 1 if _forms else 0
    end = data[-longest:] if longest else b""
    for at in range(len(end)):
        rest = end[at:]
        if any(len(form) > len(rest) and form.startswith(rest) for form in _forms):
            return len(data) - len(rest)
    return len(data)

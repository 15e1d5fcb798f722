"""What must not be seen: the confidential values this process knows, and how they are taken out of bytes.

Nothing is known, and nothing is looked for, until a value is registered.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dovetail.references import load

MASK = "********"
SHORTEST = 4
"""Values with fewer characters are not masked: they stand in half of everything that is printed."""

_MASK = MASK.encode()
_values: set[str] = set()
_forms: list[bytes] = []
_starts: list[Mapping[bytes, Sequence[bytes]]] = []
_expression: list[Any] = []
_listeners: list[Callable[[str], object]] = []
_changing = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child must not wait for a thread that it does not have
    os.register_at_fork(
        before=_changing.acquire, after_in_parent=_changing.release, after_in_child=_changing.release
    )


def register(value: str) -> bool:
    """Let `value` be masked from now on, in this process and wherever `listen` passes it on.

    Returns whether it is; a value of fewer than `SHORTEST` characters is not.
    """
    if len(value) < SHORTEST:
        return False
    if value in _values:
        return True
    for each in tuple(_listeners):
        each(value)
    with _changing:
        if value not in _values:
            _add(load("dovetail.disguises:disguises")(value, SHORTEST))
            _values.add(value)
    return True


def _add(found: set[bytes]) -> None:
    """Look for these forms too; other threads see the old ones or the new ones."""
    forms = sorted({*_forms, *found}, key=lambda form: (-len(form), form))
    starts: dict[bytes, list[bytes]] = {}
    for form in forms:
        for size in range(1, SHORTEST + 1):
            starts.setdefault(form[:size], []).append(form)
    _starts[:] = [starts]
    _expression[:] = [load("dovetail.disguises:beginnings")({form[:SHORTEST] for form in forms})]
    _forms[:] = forms


def listen(listener: Callable[[str], object]) -> Callable[[], None]:
    """Call `listener` with each value that is registered, also with one known before; return what ends it."""
    _listeners.append(listener)
    for value in tuple(_values):
        listener(value)
    return lambda: _listeners.remove(listener)


def active() -> bool:
    """Say whether anything is known."""
    return bool(_forms)


def known_in(text: str) -> set[str]:
    """Return the values within a text that are known: for a process that is to mask them as well."""
    return {each for each in tuple(_values) if each in text}


def mask(text: str) -> str:
    """Return a text without the values that are known."""
    if not _forms:
        return text
    data = text.encode("utf-8", "surrogatepass")
    shown, _ = _shown(data, final=True)
    return text if shown == data else shown.decode("utf-8", "surrogatepass")


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
        shown, self._held = _shown(self._held + data, final=False)
        return shown

    def flush(self) -> bytes:
        """Return what was held: nothing more comes."""
        data, self._held = self._held, b""
        return _shown(data, final=True)[0]


def _shown(data: bytes, *, final: bool) -> tuple[bytes, bytes]:
    """Return the data masked, and its end that may become something known, which is nothing if `final`."""
    if not _forms or not data:
        return data, b""
    shown, at = bytearray(), 0
    for place in _places(data):
        if place < at or (size := _size(data, place, final=final)) is None:
            continue
        shown += data[at:place]
        if size == 0:
            return bytes(shown), data[place:]
        shown += _MASK
        at = place + size
    return bytes(shown + data[at:]), b""


def _places(data: bytes) -> Iterator[int]:
    """Yield where something known may begin."""
    for found in _expression[0].finditer(data):
        yield found.start()
    yield from range(max(0, len(data) - SHORTEST + 1), len(data))


def _size(data: bytes, place: int, *, final: bool) -> int | None:
    """Return how long the longest is that stands here, 0 if one may begin here, None where neither is."""
    left = len(data) - place
    for form in _starts[0].get(data[place : place + SHORTEST], ()):
        if len(form) <= left:
            if data.startswith(form, place):
                return len(form)
        elif not final and data.endswith(form[:left]):
            return 0
    return None

"""What may be a name and why not, and the opaque ids that paths are made of."""

from __future__ import annotations

import os
import re
import time

from dovetail.errors import IllegalNameError

LONGEST = 100
_LEGAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def check_name(kind: str, name: object) -> str:
    """Return `name` if it may name a `kind` (a stack, a step, ...).

    Raises:
        IllegalNameError: it is no text, empty, too long, or holds something a file name, a URL or a
            command line could trip over.
    """
    hint = "use letters, digits, '_', '.' and '-', beginning with a letter, digit or '_'"
    if not isinstance(name, str):
        raise IllegalNameError(f"{kind} name {name!r} is {type(name).__name__}, not text", hint=hint)
    if len(name) > LONGEST:
        raise IllegalNameError(
            f"{kind} name {name[:20]!r}... has {len(name)} characters, at most {LONGEST} are allowed",
            hint=hint,
        )
    kind = kind.replace("_", " ")
    a_kind = f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
    if name.split(".")[0].lower() in _WINDOWS_DEVICES:
        raise IllegalNameError(f"{name!r} cannot name {a_kind}", hint="Windows has a device of that name")
    if not _LEGAL.fullmatch(name) or name.endswith("."):
        raise IllegalNameError(f"{name!r} cannot name {a_kind}", hint=hint)
    return name


def new_id() -> str:
    """Return a fresh opaque id: 26 lower-case base-32 characters that sort by time of creation.

    Layout as in the ULID specification: 48 bits of milliseconds since 1970, then 80 random bits.
    """
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str) -> bool:
    """Say whether `text` has the form of an id that `new_id` makes."""
    return len(text) == 26 and set(text) <= set(_ALPHABET)  # noqa: PLR2004 - the length of an id


def made_at(identifier: str) -> int:
    """Return when an id was made, in microseconds since 1970 by the clock of its maker."""
    milliseconds = 0
    for character in identifier[:10]:
        milliseconds = milliseconds << 5 | _ALPHABET.index(character)
    return milliseconds * 1000

"""What a registry asks of those who come without credentials: the header `WWW-Authenticate`."""

from __future__ import annotations

import re
from typing import NamedTuple

_SCHEME = re.compile(r"\s*,?\s*([A-Za-z]+)(?=\s|$)(?!\s*=)")
_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Challenge(NamedTuple):
    """A way to log in, with its parameters."""

    scheme: str
    parameters: dict[str, str]


def challenges(header: str) -> list[Challenge]:
    """Return the ways a header offers, in its order; what cannot be read ends the list."""
    found, at = [], 0
    while scheme := _SCHEME.match(header, at):
        at, parameters = scheme.end(), {}
        while parameter := _PARAMETER.match(header, at):
            name, quoted, plain = parameter.groups()
            parameters[name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            at = parameter.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found

"""The forms in which a confidential text leaves a program, and how their beginnings are found."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from urllib.parse import quote, quote_from_bytes, quote_plus

_SHORTEST_LINE = 8


def disguises(value: str, shortest: int) -> set[bytes]:
    """Return the byte strings that give `value` away; those below `shortest` bytes are left out.

    They are the text itself, its base64 wherever it stands in what is encoded, its forms in URLs, JSON,
    HTML and Python source, and its digits in base 16. Of a text of several lines, each longer line too.
    """
    lines = [each for each in value.splitlines() if len(each) >= _SHORTEST_LINE]
    parts = {value, value.strip(), *(lines if len(lines) > 1 else ())}
    found = {form for part in parts for form in (*_written(part), *_encoded(part.encode(**_ANY)))}
    return {form for form in found if len(form) >= shortest}


def beginnings(starts: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return what finds the places where one of these byte strings of one length stands.

    It goes from byte to byte: of a plain alternation all branches are tried at every place.
    """
    return re.compile(b"(?=%s)" % _branch(sorted(starts)))


def _branch(starts: list[bytes]) -> bytes:
    groups = [(first, [each[1:] for each in group]) for first, group in groupby(starts, key=itemgetter(0))]
    branches = [re.escape(bytes([first])) + (_branch(rests) if rests[0] else b"") for first, rests in groups]
    return b"(?:%s)" % b"|".join(branches)


_ANY = {"encoding": "utf-8", "errors": "surrogatepass"}


def _written(value: str) -> set[bytes]:
    """Return what a text becomes within a text of some language."""
    escaped = json.dumps(value)[1:-1]
    texts = {
        value,
        escaped,
        escaped.replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        ascii(value)[1:-1],
        value.encode("unicode_escape").decode(),
        html.escape(value),
        html.escape(value, quote=False),
        html.escape(value).replace("&#x27;", "&#39;"),
        value.replace("\n", "\r\n"),
    }
    return {each.encode(**_ANY) for each in texts}


def _encoded(value: bytes) -> set[bytes]:
    """Return what bytes become in an alphabet of fewer characters."""
    plain = value.decode(**_ANY)
    quoted = {quote_from_bytes(value, safe=""), quote_from_bytes(value)}
    if plain.isprintable():
        quoted |= {quote(plain, safe=safe) for safe in ("~", "/:@", "!*'()~")} | {quote_plus(plain)}
    digits = value.hex()
    texts = {
        *quoted,
        *map(_lower_escapes, quoted),
        digits,
        digits.upper(),
        "".join(f"%{byte:02X}" for byte in value),
        "".join(f"\\x{byte:02x}" for byte in value),
        value.hex(":"),
        value.hex(" "),
        *_base64_cores(value),
    }
    return {each.encode() for each in texts}


def _lower_escapes(text: str) -> str:
    head, *rest = text.split("%")
    return "%".join([head, *(each[:2].lower() + each[2:] for each in rest)])


def _base64_cores(value: bytes) -> set[str]:
    """Return what is the same in base64 whatever stands before and after; there are three alignments."""
    found = set()
    for before in range(3):
        text = base64.b64encode(bytes(before) + value).decode()
        first = (0, 2, 3)[before]  # these characters hold bits of what stands before
        last = (len(text), len(text) - 3, len(text) - 2)[
            (before + len(value)) % 3
        ]  # and those of what follows
        core = text[first:last]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return found

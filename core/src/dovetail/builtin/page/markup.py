"""Text on its way into a page: escaped, shortened, and formatted for people."""

from __future__ import annotations

import json
from datetime import datetime
from html import escape
from typing import Any

_LONGEST = 4_000
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
_MINUTE, _HOUR = 60.0, 3600.0


def text(value: object) -> str:
    """Return any value as text that can stand in markup and in attributes, whatever it holds."""
    plain = str(value).encode("utf-8", "replace").decode("utf-8")
    shown = plain if plain.isprintable() else "".join(map(_visible, plain))
    return escape(shown, quote=True)


def _visible(character: str) -> str:
    """Return a stand-in for what would be invisible or would turn the direction of the text."""
    if character in "\n\t" or character.isprintable():
        return character
    return f"\\x{ord(character):02x}" if character < "\x80" else f"\\u{ord(character):04x}"


def shortened(value: object, most: int) -> str:
    """Return a text of at most `most` characters, not escaped yet."""
    plain = str(value)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def literal(value: Any) -> str:  # noqa: ANN401 - any JSON value, or what a materializer said
    """Return a value as a short text, JSON where it can be."""
    if isinstance(value, str):
        return shortened(value, _LONGEST)
    try:
        return shortened(json.dumps(value, ensure_ascii=False, sort_keys=True), _LONGEST)
    except (TypeError, ValueError):
        return shortened(value, _LONGEST)


def seconds(value: float | None) -> str:
    """Return a duration with three digits: `840 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash for people
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < _MINUTE:
        return f"{value:.3g} s"
    if value < _HOUR:
        return f"{int(value // _MINUTE)} min {int(value % _MINUTE):02d} s"
    return f"{int(value // _HOUR)} h {int(value % _HOUR // _MINUTE):02d} min"


def size(count: int) -> str:
    """Return a number of bytes with three digits and a decimal unit."""
    amount, unit = float(count), 0
    while amount >= _THOUSAND and unit < len(_UNITS) - 1:
        amount /= _THOUSAND
        unit += 1
    return f"{amount:.3g} {_UNITS[unit]}"


def number(value: float) -> str:
    """Return a number with five digits."""
    return f"{value:.5g}"


def moment(value: datetime) -> str:
    """Return a time in UTC, to the second."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(count: int, word: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def table(headings: list[str], rows: list[list[str]], *, numeric: frozenset[int] = frozenset()) -> str:
    """Return a table of cells that are markup already; a long one scrolls within itself."""
    head = "".join(f"<th{_right(place, numeric)}>{text(each)}</th>" for place, each in enumerate(headings))
    body = "".join(
        "<tr>"
        + "".join(f"<td{_right(place, numeric)}>{each}</td>" for place, each in enumerate(row))
        + "</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _right(place: int, numeric: frozenset[int]) -> str:
    return ' class="n"' if place in numeric else ""


def pairs(values: list[tuple[str, str]]) -> str:
    """Return names with values; names are text, values are markup already."""
    return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in values) + "</dl>"


def section(anchor: str, title: str, body: str, note: str = "") -> str:
    """Return a section of the page; `note` is text behind the title."""
    remark = f" <small>{text(note)}</small>" if note else ""
    return f'<section id="{anchor}"><h2>{text(title)}{remark}</h2>\n{body}\n</section>\n'

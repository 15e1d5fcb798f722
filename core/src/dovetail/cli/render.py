"""How commands print: aligned tables, fields and JSON, to a person or to a program.

Every text may come from a plugin or a user: control characters are shown as escapes, so that no name can
steer a terminal. `--json` prints one document and nothing else on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from dovetail.cli.aside import give_back, output_aside

GAP = "  "
NOTHING = "-"


def _claim_output(context: click.Context, _: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - a callback
    if value and not context.resilient_parsing:
        context.with_resource(output_aside())
    return value


json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON.", callback=_claim_output
)
"""Keeps standard output for `print_json`: whatever else prints while the command works is put aside."""


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing there"
) -> None:
    """Print rows under their headings; `empty` says on standard error that there are none.

    On a terminal the last column is shortened to what fits.
    """
    cells = [[clean(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty, err=True)
        return
    click.echo(table(columns, cells, limit=_terminal_width()))


def table(columns: Sequence[str], cells: Sequence[Sequence[str]], *, limit: int | None = None) -> str:
    """Return headings and rows of texts, aligned by how wide they look; no line ends in spaces."""
    lines = [[each.upper() for each in columns], *cells]
    widths = [max(width(line[number]) for line in lines) for number in range(len(columns))]
    if limit is not None:
        before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(limit - before, len("...") + 1))
        lines = [[*line[:-1], shorten(line[-1], widths[-1])] for line in lines]
    return "\n".join(_align(line, widths) for line in lines)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one pair a line; mappings and lists stand below their name."""
    for line in _field_lines(fields, ""):
        click.echo(line)


def print_json(document: object) -> None:
    """Print one JSON document; what JSON cannot say (a path, a time) is printed as text."""
    give_back()
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(document, indent=2, ensure_ascii=plain, default=str))


def print_lines(lines: Iterable[str]) -> None:
    """Print texts, one a line."""
    for line in lines:
        click.echo(clean(line) if line else "")


def say(text: str) -> None:
    """Tell a person what was done; goes to standard error, so that output stays for programs."""
    click.echo(clean(text), err=True)


def clean(value: object) -> str:
    """Return `value` as one line of text without control characters; None and nothing are a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = NOTHING if value is None or value == "" else str(value)
    return text if text.isprintable() else "".join(map(_visible, text))


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut and marked with dots if it is wider than `limit` columns."""
    if width(text) <= limit:
        return text
    taken, used = "", len("...")
    for character in text:
        used += _columns(character)
        if used > limit:
            break
        taken += character
    return f"{taken}..."


def help_width() -> int:
    """Return how wide help is written: as the terminal is, but no wider than one likes to read."""
    given = os.environ.get("COLUMNS", "")
    columns = int(given) if given.isdecimal() else _terminal_width() or 80
    return max(min(columns, 100) - 2, 50)


def _terminal_width() -> int | None:
    """Return how wide the terminal is, None where output goes elsewhere."""
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return None


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _align(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text + " " * (size - width(text)) for text, size in zip(line, widths, strict=True))
    return GAP.join(padded).rstrip()


def _field_lines(fields: Mapping[str, object], indent: str) -> Iterable[str]:
    longest = max((width(clean(name)) for name in fields), default=0)
    for name, value in fields.items():
        label = clean(name)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{label}:"
            yield from _field_lines(value, f"{indent}  ")
        elif isinstance(value, list | tuple) and value:
            yield f"{indent}{label}:"
            yield from (f"{indent}  - {clean(each)}" for each in value)
        else:
            shown = NOTHING if isinstance(value, Mapping | list | tuple) else clean(value)
            yield f"{indent}{label}:{' ' * (longest - width(label) + 1)}{shown}"

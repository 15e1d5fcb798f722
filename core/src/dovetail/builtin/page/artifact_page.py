"""The page of an artifact: what is known of it, and its value where one was given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from dovetail.builtin.page import markup
from dovetail.builtin.page.document import document
from dovetail.builtin.page.markup import text
from dovetail.builtin.page.snapshot import ArtifactSnapshot

_ROWS, _COLUMNS = 50, 30
_LONGEST = 20_000


def artifact_page(artifact: ArtifactSnapshot, value: Any = None) -> str:  # noqa: ANN401 - any value
    """Return the whole page; None means that no value is to be shown."""
    facts = [
        ("type", f"<code>{text(artifact.type)}</code>"),
        ("size", markup.size(artifact.size)),
        ("stored by", text(artifact.materializer)),
        ("id", f"<code>{text(artifact.id)}</code>"),
        ("digest", f"<code>{text(artifact.digest)}</code>"),
    ]
    head = (
        f"<header><p>artifact of step <strong>{text(artifact.step)}</strong></p>"
        f"<h1>{text(artifact.name)}</h1></header>\n"
    )
    parts = [head, markup.section("facts", "What it is", markup.pairs(facts))]
    for title, known in (("Summary", artifact.summary), ("Metadata", artifact.metadata)):
        if known:
            rows = [(name, f"<code>{text(markup.literal(each))}</code>") for name, each in known.items()]
            parts.append(markup.section(title.lower(), title, markup.pairs(rows)))
    if value is not None:
        parts.append(markup.section("value", "Value", _value(value)))
    return document(f"{artifact.step}.{artifact.name}", "".join(parts))


def _value(value: Any) -> str:  # noqa: ANN401 - any value
    """Return a value as a table where it has rows and columns, else as text."""
    if callable(getattr(value, "itertuples", None)) and hasattr(value, "columns"):
        return _frame(value)
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes):
        try:
            return _text(json.dumps(value, indent=2, ensure_ascii=False))
        except (TypeError, ValueError):
            return _text(repr(value))
    return _text(value if isinstance(value, str) else repr(value))


def _text(value: str) -> str:
    return f'<pre class="scroll">{text(markup.shortened(value, _LONGEST))}</pre>'


def _frame(frame: Any) -> str:  # noqa: ANN401 - anything with columns and rows
    """Return the first rows and columns of something like a DataFrame."""
    columns = [markup.shortened(each, 60) for each in islice(frame.columns, _COLUMNS)]
    rows = [
        [text(markup.shortened(cell, 200)) for cell in row[: len(columns) + 1]]
        for row in islice(frame.itertuples(name=None), _ROWS)
    ]
    note = f"<p>{len(frame)} rows, {len(frame.columns)} columns; the first are shown</p>"
    return markup.table(["", *columns], rows) + note

"""The canonical form of a skops archive: one estimator gives the same bytes in every process.

skops numbers what it stores by memory address, names files so too, stamps them with the time, and writes
the gaps of structured arrays as they lie in memory. All four are put right; skops reads the result as it
reads its own.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

_SCHEMA = "schema.json"
_ACCIDENTS = re.compile(r'"(?:__id__|file)": (?:"[^"]*"|\d+),?')


def canonical(archive: bytes) -> bytes:
    """Return the archive with numbers and names by order of appearance, and all of it in that order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        schema = json.loads(source.read(_SCHEMA))
        members = _renumber(schema)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
            text = json.dumps(schema, separators=(",", ":"), allow_nan=True)
            target.writestr(_entry(_SCHEMA), text)
            for old, new in members.items():
                target.writestr(_entry(new), _without_gaps(new, source.read(old)))
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Return an entry without time, machine or rights."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Give ids and file names by order of appearance; return the old file names with the new ones."""
    ids: dict[object, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        if type(node.get("__id__")) is int:
            # Equal scalars are one: whether they are one object in memory is an accident.
            scalar = node.get("__loader__") == "JsonNode"
            node["__id__"] = ids.setdefault(node["content"] if scalar else node["__id__"], len(ids) + 1)
        if type(old := node.get("file")) is str:
            node["file"] = files.setdefault(old, f"{len(files)}{PurePosixPath(old).suffix}")
    return files


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object of the schema, in the order of its text; sets are sorted before."""
    waiting: list[object] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("__loader__") == "SetNode":
                node["content"].sort(key=lambda each: _ACCIDENTS.sub("", json.dumps(each)))
            yield node
            waiting.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            waiting.extend(reversed(node))


def _without_gaps(name: str, data: bytes) -> bytes:
    """Return an array's file with zeros between the fields."""
    if not name.endswith(".npy"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    out = io.BytesIO()
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()

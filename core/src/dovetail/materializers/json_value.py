"""The materializer of plain values, containers and classes of plain fields: one JSON file."""

from __future__ import annotations

import math
from collections.abc import Sized
from enum import Enum
from typing import Any

from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.json_codec import decode, encode

FILE = "value.json"
_EXACT = 1 << 53


class JsonMaterializer(BaseMaterializer):
    """Stores a value in `value.json`, in the form that `dovetail.materializers.json_codec` describes."""

    name = "json"

    def save(self, value: Any, files: ArtifactWriter) -> None:
        files.put(FILE, encode(value, files.annotation))

    def load(self, annotation: Any, files: ArtifactReader) -> Any:
        return decode(files.get(FILE), annotation)

    def summary(self, value: Any) -> dict[str, Any]:
        """Return a number or truth value itself, of an enum its member, of other things their length."""
        if isinstance(value, Enum):
            return {"value": value.name}
        small_int = type(value) is int and -_EXACT < value < _EXACT
        if (
            value is None
            or type(value) is bool
            or small_int
            or (type(value) is float and math.isfinite(value))
        ):
            return {"value": value}
        return {"length": len(value)} if isinstance(value, Sized) else {}

"""The materializer of text: one UTF-8 file, as it is."""

from __future__ import annotations

from typing import Any

from dovetail.errors import MaterializerError
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter

FILE = "value.txt"


class TextMaterializer(BaseMaterializer):
    """Stores a str in `value.txt`, line ends and lone surrogates included."""

    name = "text"

    def save(self, value: Any, files: ArtifactWriter) -> None:
        if not isinstance(value, str):
            raise MaterializerError(f"{type(value).__name__!r} is no text", hint="return a str")
        files.put(FILE, value.encode("utf-8", "surrogatepass"))

    def load(self, annotation: Any, files: ArtifactReader) -> str:
        return files.get(FILE).decode("utf-8", "surrogatepass")

    def summary(self, value: Any) -> dict[str, Any]:
        return {"characters": len(value)}

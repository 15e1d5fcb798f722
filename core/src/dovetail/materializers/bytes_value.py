"""The materializer of bytes: one file, as it is."""

from __future__ import annotations

from typing import Any

from dovetail.errors import MaterializerError
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter

_FILES: dict[type, str] = {bytes: "bytes.bin", bytearray: "bytearray.bin"}


class BytesMaterializer(BaseMaterializer):
    """Stores bytes in `bytes.bin`, a bytearray in `bytearray.bin`."""

    name = "bytes"

    def save(self, value: Any, files: ArtifactWriter) -> None:
        if (name := _FILES.get(type(value))) is None:
            raise MaterializerError(
                f"{type(value).__name__!r} is neither bytes nor bytearray", hint="return bytes(value)"
            )
        with files.create(name) as stream:
            stream.write(value)

    def load(self, annotation: Any, files: ArtifactReader) -> bytes | bytearray:
        name = _FILES[bytearray]
        if name not in files.files:
            return files.get(_FILES[bytes])
        value = bytearray(files.files[name].size)
        with files.open(name) as stream:
            stream.readinto(value)  # type: ignore[attr-defined] # every binary file has it
        return value

    def summary(self, value: Any) -> dict[str, Any]:
        return {"bytes": len(value)}

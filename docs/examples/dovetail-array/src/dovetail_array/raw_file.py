"""Arrays as raw little-endian bytes, with one byte in front that says the type of their items."""

import sys
from array import array
from typing import Any

from dovetail.plugin import ArtifactReader, ArtifactWriter, BaseMaterializer, MaterializerError

FILE = "items.bin"
PORTABLE = "bBhHiIqQfd"


class ArrayMaterializer(BaseMaterializer):
    """Store an array in `items.bin`."""

    name = "array"

    def save(self, value: "array[Any]", files: ArtifactWriter) -> None:
        if value.typecode not in PORTABLE:
            raise MaterializerError(
                f"an array of type code {value.typecode!r} has another size on other machines",
                hint=f"use one of {', '.join(PORTABLE)}",
            )
        with files.create(FILE) as stream:
            stream.write(value.typecode.encode())
            stream.write(memoryview(_little_endian(value)).cast("B"))

    def load(self, annotation: object, files: ArtifactReader) -> "array[Any]":
        data = files.get(FILE)
        value = array(data[:1].decode(), data[1:])
        return _little_endian(value)

    def summary(self, value: "array[Any]") -> dict[str, Any]:
        return {"items": len(value), "type": value.typecode}


def _little_endian(value: "array[Any]") -> "array[Any]":
    if sys.byteorder == "little":
        return value
    swapped = value[:]
    swapped.byteswap()
    return swapped

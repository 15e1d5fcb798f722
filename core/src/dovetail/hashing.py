"""Digests: tagged texts such as `blake3:...`, taken of bytes, of streams and of values.

A value's digest is that of its canonical encoding, in which every kind of thing has its own tag, so that
`{1: 2}` and `{"1": 2}` differ, and a set has one encoding under every hash seed.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, BinaryIO

from blake3 import blake3

ALGORITHM = "blake3"
# Small enough to stay in the processor's cache between reading and digesting.
_CHUNK = 1 << 18
# Large enough that a thread that receives meanwhile is seldom interrupted; each time costs it milliseconds.
_COPIED = 1 << 23
_length = struct.Struct(">Q").pack


class Hasher:
    """Takes a digest piece by piece."""

    def __init__(self) -> None:
        self._state = blake3()
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next piece; of a memoryview of any format, its bytes."""
        if isinstance(data, memoryview) and data.format != "B":
            data = data.cast("B") if data.nbytes else b""
        self._state.update(data)
        self.size += len(data)

    def digest(self) -> str:
        """Return the tagged digest of all pieces so far."""
        return f"{ALGORITHM}:{self._state.hexdigest()}"


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the tagged digest of `data`."""
    return f"{ALGORITHM}:{blake3(data).hexdigest()}"


def digest_stream(stream: BinaryIO) -> tuple[str, int]:
    """Read `stream` to its end; return its tagged digest and its size in bytes."""
    hasher = Hasher()
    for piece in _pieces(stream, _CHUNK):
        hasher.update(piece)
    return hasher.digest(), hasher.size


def digest_copy(stream: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """Copy what is left of `stream` into `target`; return the tagged digest of it and its size in bytes."""
    hasher = Hasher()
    for piece in _pieces(stream, _COPIED):
        hasher.update(piece)
        target.write(piece)
    return hasher.digest(), hasher.size


def _pieces(stream: BinaryIO, size: int) -> Iterator[memoryview]:
    """Read `stream` to its end; each piece is gone when the next one comes."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    while count := stream.readinto(buffer):  # type: ignore[attr-defined] # every binary file has it
        yield view[:count]


def canonical_json(document: object) -> bytes:
    """Return `document` as JSON bytes with sorted keys and no spaces: equal content, equal bytes.

    Raises TypeError or ValueError for what JSON cannot say (NaN and infinities included).
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest_value(value: object) -> str:
    """Return the tagged digest of a value made of plain Python values and containers.

    Raises TypeError for anything else: a key that guesses would be a wrong key.
    """
    return digest_bytes(encode(value))


def encode(value: object) -> bytes:
    """Return the canonical encoding: a tag, a length, the content; containers hold encodings."""
    kind = type(value)
    tag: bytes
    content: bytes
    if (scalar := _SCALARS.get(kind)) is not None:
        tag, content = scalar(value)
    # The exact types first: asking an abstract class costs more than all the rest.
    elif kind is tuple:
        tag, content = b"t", b"".join(map(encode, value))  # type: ignore[call-overload] # it is a tuple
    elif kind is list:
        tag, content = b"l", b"".join(map(encode, value))  # type: ignore[call-overload] # it is a list
    elif kind is dict or isinstance(value, Mapping):
        pairs = sorted([encode(key) + encode(each) for key, each in value.items()])  # type: ignore[attr-defined]
        tag, content = b"m", b"".join(pairs)
    elif isinstance(value, AbstractSet):
        tag, content = b"S", b"".join(sorted(map(encode, value)))
    else:
        raise TypeError(f"no canonical encoding for {kind.__module__}.{kind.__qualname__}")
    return tag + _length(len(content)) + content


def _float(value: float) -> tuple[bytes, bytes]:
    return b"f", b"nan" if math.isnan(value) else struct.pack(">d", value)


_SCALARS: dict[type, Any] = {
    type(None): lambda _: (b"n", b""),
    bool: lambda value: (b"b", b"1" if value else b"0"),
    int: lambda value: (b"i", format(value, "x").encode()),  # decimal digits are refused beyond 4300
    float: _float,
    str: lambda value: (b"s", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: (b"y", value),
}

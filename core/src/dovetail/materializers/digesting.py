"""A stream that takes the digest of what passes through it."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from dovetail.hashing import Hasher, digest_stream
from dovetail.passing_stream import PassingStream

# A piece that is digested and then written stays in the processor's cache in between.
_PIECE = 1 << 18


class DigestingStream(PassingStream):
    """Writes to a stream of a store."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._hasher = Hasher()
        self._straight = True

    def write(self, data: Any, /) -> int:
        """Write any contiguous buffer; return how many bytes it has."""
        view = memoryview(data)
        if not view.nbytes:
            return 0
        view = view.cast("B")
        for start in range(0, len(view), _PIECE):
            piece = view[start : start + _PIECE]
            self._hasher.update(piece)
            self._stream.write(piece)
        return len(view)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; what was digested so far is worth nothing when something is written elsewhere."""
        position = super().seek(offset, whence)
        self._straight = self._straight and position == self._hasher.size
        return position

    def truncate(self, size: int | None = None, /) -> int:
        self._straight = False
        return self._stream.truncate(size)

    def read(self, size: int | None = -1, /) -> bytes:
        self._straight = False
        return super().read(size)

    def finish(self) -> tuple[str, int]:
        """Return digest and size of what the stream holds."""
        if self._straight:
            return self._hasher.digest(), self._hasher.size
        self._stream.seek(0)
        return digest_stream(self._stream)

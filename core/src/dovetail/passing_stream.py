"""A stream on top of another one."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class PassingStream(io.BufferedIOBase):
    """Passes on what it is asked to a stream that can seek; a subclass says what it does besides.

    Closing it, as some libraries do, leaves that stream open, and flushing it does nothing: whoever made
    the stream below completes it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._stream.read(-1 if size is None else size)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        data = self.read(memoryview(buffer).nbytes)
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

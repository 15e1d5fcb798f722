"""Reading objects: small ones with one request, large ones in parts that come side by side."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from s3fs.core import S3_RETRYABLE_ERRORS

from dovetail_s3.refusal import code_of
from dovetail_s3.transfer import Transfer

_PAUSE = 0.2


class Piece(NamedTuple):
    """A part of an object; `total` bytes has the whole, `tag` tells this content from any other."""

    data: bytes
    total: int
    tag: str


class Source(Transfer):
    """An object that is read."""

    def begin(self, number: int, tag: str = "") -> Future[Piece]:
        """Begin to fetch a part; with `tag`, of that content only."""
        return asyncio.run_coroutine_threadsafe(self._fetch(number, tag), self.filesystem.loop)

    async def _fetch(self, number: int, tag: str) -> Piece:
        for attempt in range(1, self.attempts):
            try:
                return await self._ask(number, tag)
            except S3_RETRYABLE_ERRORS:  # the connection broke within the answer
                await asyncio.sleep(_PAUSE * 2**attempt)
        return await self._ask(number, tag)

    async def _ask(self, number: int, tag: str) -> Piece:
        start = number * self.part
        same = {"IfMatch": tag} if tag else {}
        try:
            answer = await self.filesystem._call_s3(  # noqa: SLF001 - its name for all that it does not offer
                "get_object",
                Bucket=self.bucket,
                Key=self.key,
                Range=f"bytes={start}-{start + self.part - 1}",
                **same,
            )
        except OSError as error:
            if start == 0 and code_of(error) == "InvalidRange":  # nothing has no first byte
                return Piece(b"", 0, "")
            raise
        async with answer["Body"] as body:
            data = await body.read()
        total = int(answer.get("ContentRange", f"/{len(data)}").rpartition("/")[2])
        return Piece(data, total, answer["ETag"])


class ReadingAhead(io.RawIOBase):
    """A large object as a stream; parts after the one that is read are on their way already.

    `told` turns what goes wrong on the way into what the store says of it.
    """

    def __init__(
        self, source: Source, first: Piece, told: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._source = source
        self._size, self._tag = first.total, first.tag
        self._told = told
        self._coming: dict[int, Future[Piece]] = {}
        self._number, self._part = 0, first.data
        self._position = 0

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Fill `buffer` with what is there of the part at this place."""
        if self._position >= self._size:
            return 0
        number, offset = divmod(self._position, self._source.part)
        if number != self._number:
            self._turn(number)
        piece = memoryview(self._part)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """Return all from here on."""
        pieces = []
        while self._position < self._size:
            number, offset = divmod(self._position, self._source.part)
            if number != self._number:
                self._turn(number)
            pieces.append(self._part[offset:] if offset else self._part)
            self._position += len(pieces[-1])
        return b"".join(pieces)

    def _turn(self, number: int) -> None:
        """Make `number` the part that is at hand; whoever reads on gets those after it early."""
        reads_on = number == self._number + 1
        last = min(number + (self._source.ahead if reads_on else 1), -(-self._size // self._source.part))
        for each in [each for each in self._coming if not number <= each < last]:
            self._coming.pop(each).cancel()
        for each in range(number, last):
            if each not in self._coming:
                self._coming[each] = self._source.begin(each, self._tag)
        self._part = b""
        with self._told():
            piece = self._coming.pop(number).result()
            if len(piece.data) != min(self._source.part, self._size - number * self._source.part):
                raise ConnectionError(f"part {number} came with {len(piece.data)} bytes")
            self._number, self._part = number, piece.data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to another place; what lies there is fetched when it is read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"no place {start + offset} in a file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Let go of what is still on its way."""
        for each in self._coming.values():
            each.cancel()
        self._coming.clear()
        super().close()

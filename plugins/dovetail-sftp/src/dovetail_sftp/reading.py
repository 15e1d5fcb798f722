"""A file on a server as a stream that reads ahead while its reader is busy with what has come."""

from __future__ import annotations

import asyncio
import io
import stat
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TypeVar

import asyncssh

from dovetail_sftp.blocks import open_file, read_blocks
from dovetail_sftp.connection import Connection, Session

T = TypeVar("T")
_FIRST = 1 << 18
_LARGEST = 1 << 23


async def size_of_file(channel: asyncssh.SFTPClient, path: str) -> int:
    """Return the size of a file; a folder, a link or a pipe in its place is no file, and never opened."""
    found = await channel.lstat(path)
    if not stat.S_ISREG(found.permissions or 0):
        raise FileNotFoundError(path)
    return found.size or 0


class RemoteFile:
    """A file that is open on the server; when the connection was lost it is opened again."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._session: Session | None = None
        self._file: asyncssh.SFTPClientFile | None = None
        self.size = 0

    async def open(self) -> None:
        """Look whether it is a file, and open it."""
        await self._connection.run(self._opened)

    async def read(self, offset: int, size: int) -> bytes:
        """Return the bytes at a place."""

        async def attempt(channel: asyncssh.SFTPClient) -> bytes:
            return await read_blocks(channel, await self._opened(channel), offset, size)

        return await self._connection.run(attempt)

    async def close(self) -> None:
        """Let go of it on the server."""
        file, self._file = self._file, None
        if file is not None and self._session is self._connection.session:
            with suppress(asyncssh.Error, OSError):  # the server has forgotten it
                await file.close()

    async def _opened(self, channel: asyncssh.SFTPClient) -> asyncssh.SFTPClientFile:
        if self._file is None or self._session is not self._connection.session:
            self._session = self._connection.session
            self.size = await size_of_file(channel, self._path)
            self._file = await open_file(channel, self._path, "rb")
        return self._file


class Reading(io.RawIOBase):
    """Reads a remote file from another thread than the one that speaks with the server."""

    def __init__(self, file: RemoteFile, loop: asyncio.AbstractEventLoop) -> None:
        self._file = file
        self._loop = loop
        self._at = 0
        self._start = 0
        self._window = b""
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._wait(self._file.open)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._file.size - self._at)
        if wanted <= 0:
            return 0
        if not self._start <= self._at < self._start + len(self._window):
            self._fill(wanted)
        begin = self._at - self._start
        piece = memoryview(self._window)[begin : begin + wanted]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _fill(self, wanted: int) -> None:
        follows = self._start + len(self._window) == self._at and bool(self._window)
        length = min(max(wanted, 2 * len(self._window) if follows else _FIRST), _LARGEST)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == self._at:
            self._window = ahead[1].result()
        else:
            self._window = self._wait(partial(self._file.read, self._at, length))
        self._start = self._at
        after = self._start + len(self._window)
        if follows and after < self._file.size:
            length = min(max(length, 2 * len(self._window)), _LARGEST)
            self._ahead = after, asyncio.run_coroutine_threadsafe(self._file.read(after, length), self._loop)

    def _wait(self, work: Callable[[], Awaitable[T]]) -> T:
        async def worked() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(worked(), self._loop).result()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            ahead, self._ahead = self._ahead, None
            if ahead is not None:
                ahead[1].cancel()
            # Not waited for: this may be the collector's doing, and in the thread that would have to answer.
            asyncio.run_coroutine_threadsafe(self._file.close(), self._loop)
        super().close()

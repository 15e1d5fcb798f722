"""Reads and writes open files in many requests at a time, each as large as the server takes.

The library does the same, but makes tasks of its own for each request, and complains in the log of each that
a lost connection leaves open: files are opened so that it sends what it is given as one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

import asyncssh

T = TypeVar("T")
_REQUESTS = 128
_ONE_REQUEST = 0


async def open_file(channel: asyncssh.SFTPClient, path: str, mode: str) -> asyncssh.SFTPClientFile:
    """Open a file of bytes."""
    file: asyncssh.SFTPClientFile = await channel.open(path, mode, block_size=_ONE_REQUEST)
    return file


async def read_blocks(
    channel: asyncssh.SFTPClient, file: asyncssh.SFTPClientFile, offset: int, size: int
) -> bytes:
    """Return the bytes at a place; fewer only where the file ends."""
    end, step = offset + size, channel.limits.max_read_len

    async def read(at: int) -> bytes:
        pieces, missing = [], min(step, end - at)
        stop = at + missing
        while missing and (piece := as_bytes(await file.read(missing, stop - missing))):
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    return b"".join(await _all(read(at) for at in range(offset, end, step)))


async def write_blocks(
    channel: asyncssh.SFTPClient, file: asyncssh.SFTPClientFile, offset: int, data: bytes
) -> None:
    """Write bytes to a place."""
    step = channel.limits.max_write_len

    async def write(begin: int) -> None:
        await file.write(data[begin : begin + step], offset + begin)

    await _all(write(begin) for begin in range(0, len(data), step))


async def _all(requests: Iterable[Awaitable[T]]) -> list[T]:
    """Return what all of them return, some at a time; none is left behind when one fails."""
    allowed = asyncio.Semaphore(_REQUESTS)

    async def one(request: Awaitable[T]) -> T:
        async with allowed:
            return await request

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in requests]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [each.result() for each in tasks]


def as_bytes(data: str | bytes) -> bytes:
    """Return what a file gave that was opened without an encoding; asyncssh types it as either."""
    return data.encode() if isinstance(data, str) else data

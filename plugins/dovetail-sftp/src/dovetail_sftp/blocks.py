"""Reads and writes open files in many requests at a time, each as large as the server takes."""

from __future__ import annotations

import asyncio

import asyncssh

_REQUESTS = 128


async def read_blocks(file: asyncssh.SFTPClientFile, offset: int, size: int) -> bytes:
    """Return the bytes at a place; fewer only where the file ends.

    The library does the same, but complains in the log of each request that a lost connection leaves open.
    """
    allowed = asyncio.Semaphore(_REQUESTS)

    async def read(at: int, wanted: int) -> bytes:
        async with allowed:
            pieces, missing = [], wanted
            while missing and (piece := as_bytes(await file.read(missing, at + wanted - missing))):
                pieces.append(piece)
                missing -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    end, step = offset + size, file.read_len
    if size <= step:
        return await read(offset, size)
    return b"".join(await asyncio.gather(*(read(at, min(step, end - at)) for at in range(offset, end, step))))


async def write_blocks(file: asyncssh.SFTPClientFile, offset: int, data: bytes) -> None:
    """Write bytes to a place."""
    allowed = asyncio.Semaphore(_REQUESTS)
    step = file.write_len

    async def write(begin: int) -> None:
        async with allowed:
            await file.write(data[begin : begin + step], offset + begin)

    if len(data) <= step:
        await file.write(data, offset)
        return
    await asyncio.gather(*map(write, range(0, len(data), step)))


def as_bytes(data: str | bytes) -> bytes:
    """Return what a file gave that was opened without an encoding; asyncssh types it as either."""
    return data.encode() if isinstance(data, str) else data

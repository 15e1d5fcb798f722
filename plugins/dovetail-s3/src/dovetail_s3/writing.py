"""Writing objects, once each: small ones with one request, large ones in parts that go side by side."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dovetail.plugin import Spool, new_id
from dovetail_s3.refusal import code_of
from dovetail_s3.transfer import Transfer

_MARK = "dovetail-write"
"""Metadata of an object that says which write made it."""
_CONTESTED = frozenset({
    "PreconditionFailed", "412", "ConditionalRequestConflict", "OperationAborted", "409", "NoSuchUpload",
})  # fmt: skip
_CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
_MOST_PARTS = 10_000


class _TooManyPartsError(Exception):
    """A file that is still being written has become larger than its parts allow."""


class Target(Transfer):
    """An object that is to be made."""

    async def put(self, content: bytes | Path, size: int, *, conditional: bool = True) -> None:
        """Make it of a content that is complete, and of `size` bytes.

        Unless it is `conditional` the service replaces an object that is there.

        Raises:
            FileExistsError: there is an object, which another write made.
        """
        part = max(self.part, math.ceil(size / _MOST_PARTS))
        mode = {"mode": "create"} if conditional else {}
        place = f"{self.bucket}/{self.key}"

        async def send(mark: str) -> None:
            options = {"chunksize": part, "Metadata": {_MARK: mark}, **mode}
            if isinstance(content, bytes):
                await self.filesystem._pipe_file(place, content, **options)  # noqa: SLF001 - its async form
            else:
                await self.filesystem._put_file(str(content), place, **options)  # noqa: SLF001

        await self._insist(send)

    async def follow(self, spool: Spool) -> None:
        """Make it of a file that is still being written; it is there once the file is complete, and sent.

        Raises:
            FileExistsError: there is an object, which another write made.
        """

        async def send(mark: str) -> None:
            await self._send_parts(spool, mark)

        try:
            await self._insist(send)
        except _TooManyPartsError:
            await spool.ended()
            await self.put(spool.path, spool.size)

    async def _insist(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send it until it is there, or is seen to be the work of another."""
        mark = new_id()
        for attempt in range(1, self.attempts + 1):
            try:
                return await send(mark)
            except OSError as error:
                code = code_of(error)
                if code not in _CONTESTED:
                    raise
                there = await self._mark_there()
                if there == mark:
                    return None  # an earlier try had arrived
                if there is not None:
                    raise FileExistsError(self.key) from error
                if code not in _CONFLICT or attempt == self.attempts:
                    raise
            await asyncio.sleep(random.random() * 0.1 * 2**attempt)  # noqa: S311 - a pause is no secret
        raise AssertionError

    async def _mark_there(self) -> str | None:
        """Return which write made the object; empty: one that was not ours, None: there is none."""
        try:
            found = await self._request("head_object")
        except FileNotFoundError:
            return None
        return str(found.get("Metadata", {}).get(_MARK, ""))

    async def _send_parts(self, spool: Spool, mark: str) -> None:
        upload = (await self._request("create_multipart_upload", Metadata={_MARK: mark}))["UploadId"]
        try:
            tags = await self._tags(spool, upload)
            parts = [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]
            await self._request(
                "complete_multipart_upload",
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException:
            with suppress(OSError):  # why it is given up is to be told; `sweep` finds what may be left of it
                await self._request("abort_multipart_upload", UploadId=upload)
            raise

    async def _tags(self, spool: Spool, upload: str) -> dict[int, str]:
        """Send the parts as they come, and return what the service calls each."""
        free = asyncio.Semaphore(self.ahead)
        sending: dict[int, asyncio.Task[str]] = {}

        async def send(number: int, data: bytes) -> str:
            try:
                if number > _MOST_PARTS:
                    raise _TooManyPartsError
                part = {"UploadId": upload, "PartNumber": number, "Body": data}
                return str((await self._request("upload_part", **part))["ETag"])
            finally:
                free.release()

        try:
            async with asyncio.TaskGroup() as group:
                async for index, data in spool.pieces():
                    number = index + 1
                    if earlier := sending.get(number):  # it was altered since: the later one is to win
                        await earlier
                    await free.acquire()
                    sending[number] = group.create_task(send(number, data))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if spool.size == 0:  # it was cut off altogether, and an upload has at least one part
            await free.acquire()
            return {1: await send(1, b"")}
        last = -(-spool.size // self.part)  # it may have been cut off after it was sent
        return {number: each.result() for number, each in sending.items() if number <= last}

    async def _request(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.filesystem._call_s3(  # noqa: SLF001
            method, Bucket=self.bucket, Key=self.key, **arguments
        )
        return answer

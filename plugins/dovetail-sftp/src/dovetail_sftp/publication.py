"""Sends one file so that it appears whole, replaces nothing, and is there once, however often it is begun."""

from __future__ import annotations

import errno
import io
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import asyncssh

from dovetail.plugin import Spool, new_id
from dovetail_sftp.blocks import open_file, read_blocks, write_blocks
from dovetail_sftp.folders import NoFolderError, make_folder, standing

_PIECE = 1 << 24
_READ_ONLY = 1
_PAGE = 1 << 16
# What servers answer where a folder can not be made: OpenSSH one of the first two.
_UNTOLD = (
    asyncssh.SFTPFailure,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPNotADirectory,
    asyncssh.SFTPFileAlreadyExists,
)


class Publication:
    """A file on its way to `target`; a `Spool` is sent while it is being written.

    It is sent under a hidden name, each time another: what a server still writes for a connection that
    was lost can not reach the file of the next one. Then the name is given by a hard link, which never
    replaces anything; a plain rename does on some servers, and is used where there are no hard links.
    """

    def __init__(self, content: bytes | Path | Spool, target: str, *, durable: bool) -> None:
        self._spool = content if isinstance(content, Spool) else None
        self._content = content.path if isinstance(content, Spool) else content
        self._target = target
        self._durable = durable
        self._folder = posixpath.dirname(target)
        self._temporary: list[str] = []
        self._asked_for_the_name = False

    async def attempt(self, channel: asyncssh.SFTPClient) -> None:
        """Send the file; call it again on a new channel when a connection was lost.

        Raises:
            FileExistsError: something is there already.
        """
        try:
            if not (self._asked_for_the_name and await self._is_there(channel)):
                await self._send(channel)
        except (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
            raise  # nothing can be asked here; the next attempt removes what this one has left
        except _UNTOLD as error:
            reason = await self._reason(channel, error)
            await self._clean(channel)
            if reason is None:
                raise
            raise reason from error
        except BaseException:
            await self._clean(channel)
            raise
        await self._clean(channel)

    async def _send(self, channel: asyncssh.SFTPClient) -> None:
        temporary = f"{self._folder}/.{new_id()}.partial"
        self._temporary.append(temporary)
        try:
            file = await open_file(channel, temporary, "xb")
        except asyncssh.SFTPNoSuchFile:
            await make_folder(channel, self._folder)
            file = await open_file(channel, temporary, "xb")
        async with file:
            end = 0
            async for offset, piece in self._pieces():
                await write_blocks(channel, file, offset, piece)
                end = max(end, offset + len(piece))
            if end > self._size():  # it was cut off after it had been sent
                await file.truncate(self._size())
            self._asked_for_the_name = True
            await self._give_name(channel, temporary)
            # Now, because this also keeps the new name from a loss of power.
            await self._settle(channel, file)

    async def _pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what to write where; of a file that is still being written, as it grows."""
        if self._spool is not None:
            async for number, piece in self._spool.pieces():
                yield number * self._spool.piece, piece
            return
        with self._stream() as source:
            written = 0
            while piece := source.read(_PIECE):
                yield written, piece
                written += len(piece)

    async def _settle(self, channel: asyncssh.SFTPClient, file: asyncssh.SFTPClientFile) -> None:
        if self._durable:
            try:
                with suppress(asyncssh.SFTPOpUnsupported):
                    await file.fsync()
            except asyncssh.SFTPFailure:
                await channel.remove(self._target)
                raise

    async def _give_name(self, channel: asyncssh.SFTPClient, temporary: str) -> None:
        try:
            await channel.link(temporary, self._target)
        except (asyncssh.SFTPFailure, asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied):
            await self._refuse_taken(channel)
            await channel.rename(temporary, self._target)
            self._temporary.remove(temporary)

    async def _refuse_taken(self, channel: asyncssh.SFTPClient) -> None:
        with suppress(asyncssh.SFTPNoSuchFile):
            await channel.lstat(self._target)
            if len(self._temporary) == 1 or not await self._is_there(channel):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    async def _is_there(self, channel: asyncssh.SFTPClient) -> bool:
        """Whether the name was given before the connection was lost: the content tells."""
        try:
            found = await channel.lstat(self._target)
        except asyncssh.SFTPNoSuchFile:
            return False
        with self._stream() as source:
            if not stat.S_ISREG(found.permissions or 0) or found.size != source.seek(0, os.SEEK_END):
                return False
            source.seek(0)
            async with await open_file(channel, self._target, "rb") as file:
                compared = 0
                while piece := source.read(_PIECE):
                    if await read_blocks(channel, file, compared, len(piece)) != piece:
                        return False
                    compared += len(piece)
        return True

    async def _clean(self, channel: asyncssh.SFTPClient) -> None:
        for temporary in list(self._temporary):
            with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied):
                await channel.remove(temporary)
            self._temporary.remove(temporary)

    async def _reason(self, channel: asyncssh.SFTPClient, error: Exception) -> OSError | None:
        """Find out what a server means: of a full disk, say, this protocol knows no more than `Failure`."""
        with suppress(asyncssh.Error):
            try:
                deepest, lacking = await standing(channel, self._folder)
            except NoFolderError as obstacle:
                return obstacle
            if isinstance(error, asyncssh.SFTPFailure) and (full := await self._full(channel, deepest)):
                return full
            if lacking is not None:
                return NoFolderError(f"the folder {lacking!r} cannot be made in {deepest!r}")
        return None

    async def _full(self, channel: asyncssh.SFTPClient, folder: str) -> OSError | None:
        with suppress(asyncssh.SFTPError):  # not every server says
            disk = await channel.statvfs(folder)
            if disk.flags & _READ_ONLY:
                return OSError(errno.EROFS, os.strerror(errno.EROFS))
            if disk.bavail * disk.frsize < self._size() + _PAGE or (disk.files and not disk.favail):
                return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return None

    def _size(self) -> int:
        return len(self._content) if isinstance(self._content, bytes) else self._content.stat().st_size

    @contextmanager
    def _stream(self) -> Iterator[BinaryIO]:
        if isinstance(self._content, bytes):
            yield io.BytesIO(self._content)
            return
        with self._content.open("rb", buffering=0) as stream:
            yield stream

"""The file system of sshfs on connections that check the server, and come back when they were lost."""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
from fsspec.asyn import sync
from sshfs import SSHFileSystem

from dovetail.plugin import Sending, Spool, new_id
from dovetail_sftp.blocks import open_file, read_blocks
from dovetail_sftp.connection import Connection
from dovetail_sftp.publication import Publication
from dovetail_sftp.reading import Reading, RemoteFile, size_of_file
from dovetail_sftp.settings import SftpArtifactStoreConfig

_KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link"}


class SftpFileSystem(SSHFileSystem):  # type: ignore[misc] # sshfs has no types
    """Files on a server. It connects when it is first asked, and each operation survives a lost connection.

    `mode="create"` of `pipe_file` and `put_file` refuses to replace a file, and is their only mode: a file
    is seen when it is complete.
    """

    cachable = False

    def __init__(self, config: SftpArtifactStoreConfig) -> None:
        self._connection = Connection(config)
        self._durable = config.durable
        self._owner = os.getpid()
        super().__init__(config.place().host)

    def connect(self, *_: Any, **__: Any) -> tuple[None, Connection]:
        """Connect later, when something is asked: the base does it here."""
        return None, self._connection

    @staticmethod
    def _finalize(*_: Any) -> None:
        """Leave it to `close`: the base would close the connection of the process this was forked from."""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """Take a path as it is."""
        return path

    def close(self) -> None:
        """Take leave of the server."""
        if self._owner == os.getpid() and self._connection.session is not None:
            sync(self.loop, self._connection.close)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Reading:
        return Reading(RemoteFile(self._connection, path), self.loop)

    async def _info(self, path: str, **_: Any) -> dict[str, Any]:
        return _described(path, await self._connection.run(lambda channel: channel.lstat(path)))

    async def _ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's
        folder = path or "/"
        found = await self._connection.run(lambda channel: channel.readdir(folder))
        names = [(str(each.filename), each.attrs) for each in found if each.filename not in {".", ".."}]
        if not detail:
            return [posixpath.join(folder, name) for name, _ in names]
        return [_described(posixpath.join(folder, name), attributes) for name, attributes in names]

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        async def attempt(channel: asyncssh.SFTPClient) -> bytes:
            size = await size_of_file(channel, path)
            first, last, _step = slice(start, end).indices(size)
            file = await open_file(channel, path, "rb")
            try:
                return await read_blocks(channel, file, first, max(0, last - first))
            finally:
                await file.close()

        return await self._connection.run(attempt)

    async def _pipe_file(self, path: str, value: bytes, mode: str = "create", **_: Any) -> None:
        await self._connection.run(Publication(value, path, durable=self._durable).attempt)

    async def _put_file(self, lpath: str, rpath: str, mode: str = "create", **_: Any) -> None:
        await self._connection.run(Publication(Path(lpath), rpath, durable=self._durable).attempt)

    def send_ahead(self, spool: Spool, path: str) -> Sending:
        """Begin to send a file that is still being written; it is seen once it is complete and was sent."""
        publication = Publication(spool, path, durable=self._durable)
        return Sending(self.loop, self._connection.run(publication.attempt))

    async def _rm(self, path: str, recursive: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002 - fsspec's
        """Remove a file, or a folder with all below it, which goes out of sight as a whole first."""
        hidden = f"{posixpath.dirname(path)}/.{new_id()}.deleted"
        moved = False

        async def attempt(channel: asyncssh.SFTPClient) -> None:
            nonlocal moved
            if not moved:
                with suppress(asyncssh.SFTPNoSuchFile):
                    if not stat.S_ISDIR((await channel.lstat(path)).permissions or 0):
                        return await channel.remove(path)
                    await channel.rename(path, hidden)
            moved = True
            with suppress(asyncssh.SFTPNoSuchFile):
                await channel.rmtree(hidden)
            return None

        await self._connection.run(attempt)


def _described(path: str, attributes: asyncssh.SFTPAttrs) -> dict[str, Any]:
    kind = _KINDS.get(stat.S_IFMT(attributes.permissions or 0), "other")
    changed = None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, tz=UTC)
    return {
        "name": path,
        "size": attributes.size or 0,
        "type": kind,
        "islink": kind not in {"directory", "file"},
        "mtime": changed,
    }

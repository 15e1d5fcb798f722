"""Folders on a server: they are made when a file needs them, and what is in their way is found out."""

from __future__ import annotations

import errno
import posixpath
import stat
from contextlib import suppress
from typing import NamedTuple

import asyncssh

_HINT = (
    "name a folder which the user of the server can write to, in 'url' or 'path' of the store: "
    "`dovetail artifact-store update NAME --url ...`"
)


class NoFolderError(OSError):
    """A folder can not be made on a server."""

    def __init__(self, said: str, hint: str = _HINT) -> None:
        super().__init__(errno.ENOTDIR, said)
        self.said = said
        self.hint = hint


class Standing(NamedTuple):
    """What there is of a folder: `deepest` is the last that exists on the way, `next` what lacks below it."""

    deepest: str
    next: str | None


async def make_folder(channel: asyncssh.SFTPClient, folder: str) -> None:
    """Make a folder and those above it, from below: most of them are there."""
    try:
        await _make_one(channel, folder)
    except asyncssh.SFTPNoSuchFile:
        above = posixpath.dirname(folder)
        if not above or above == folder:
            raise
        await make_folder(channel, above)
        await _make_one(channel, folder)  # a server that still says no has another reason


async def _make_one(channel: asyncssh.SFTPClient, folder: str) -> None:
    try:
        await channel.mkdir(folder)
    except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
        if not await channel.isdir(folder):
            raise


async def standing(channel: asyncssh.SFTPClient, folder: str) -> Standing:
    """Find out how far a folder is there; for when something failed, as it asks for each one above it.

    Raises:
        NoFolderError: on the way there is something else than a folder.
    """
    lacking = None
    while folder not in {"", "/"}:
        with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory):
            await _refuse_other(channel, folder)
            break
        folder, lacking = posixpath.dirname(folder), folder
    return Standing(folder or ".", lacking)


async def _refuse_other(channel: asyncssh.SFTPClient, folder: str) -> None:
    permissions = (await channel.lstat(folder)).permissions
    if permissions is None:  # the server does not say what it is
        return
    kind = stat.S_IFMT(permissions)
    if kind == stat.S_IFREG:
        raise NoFolderError(f"{folder!r} is a file and no folder", f"{_HINT}; or move that file away")
    if kind == stat.S_IFLNK:
        if not await channel.isdir(folder):
            raise NoFolderError(f"{folder!r} is a link that leads to no folder")
    elif kind != stat.S_IFDIR:
        raise NoFolderError(f"{folder!r} is no folder")

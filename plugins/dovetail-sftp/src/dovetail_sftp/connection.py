"""One connection to a server at a time: who the server is, who we are, and a new one when it was lost."""

from __future__ import annotations

import asyncio
import errno
import getpass
import os
import shlex
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
from sshfs.pools import SFTPSoftChannelPool

from dovetail_sftp.settings import SftpArtifactStoreConfig
from dovetail_sftp.wire import Wire

T = TypeVar("T")
# OpenSSH allows ten sessions on a connection; two are left for others.
_CHANNELS = 8
_LONGEST_PAUSE = 3.0
_SILENT_QUESTIONS = 3
_LOST = (
    ConnectionError,
    asyncssh.ConnectionLost,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
)


class NoConnectionError(OSError):
    """A server cannot be used; `passing` says whether a later try may do."""

    def __init__(self, said: str, hint: str, *, passing: bool = False) -> None:
        super().__init__(errno.ECONNABORTED, said)
        self.said = said
        self.hint = hint
        self.passing = passing


class Session:
    """A live connection and its channels."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection
        self.channels = SFTPSoftChannelPool(connection, max_channels=_CHANNELS)
        self._closed = asyncio.ensure_future(connection.wait_closed())

    @property
    def lost(self) -> bool:
        """Whether nothing can be asked of it any more."""
        return bool(self.connection.is_closed())

    async def run(self, operation: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Return what `operation` returns, or give it up when the connection is closed.

        The library may leave a request without an answer that was made just when the connection went.
        """
        async with self.channels.get() as channel:
            task = asyncio.ensure_future(operation(channel))
            try:
                await asyncio.wait({task, self._closed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if cut := not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)  # what it ends with says nothing more
            if cut:
                raise ConnectionResetError(errno.ECONNRESET, "it was closed")
            return task.result()


class Connection:
    """Runs operations on channels of a connection, which it makes when needed and again when it was lost."""

    def __init__(self, config: SftpArtifactStoreConfig) -> None:
        self._config = config
        self._place = config.place()
        self._connecting = asyncio.Lock()
        self._connected_before = False
        self.session: Session | None = None

    async def run(self, operation: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Return what `operation` returns; where the connection drops it is called again, from its start.

        What the server refuses is told as an operating system tells it.
        """
        try:
            return await self._again_and_again(operation)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise FileNotFoundError(error.reason) from error
        except asyncssh.SFTPNotADirectory as error:
            raise NotADirectoryError(error.reason) from error
        except asyncssh.SFTPPermissionDenied as error:
            raise PermissionError(error.reason) from error

    async def _again_and_again(self, operation: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        pause = 0.05
        for last in [*[False] * (self._config.attempts - 1), True]:
            try:
                return await self._once(operation)
            except NoConnectionError as error:
                if last or not error.passing:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 4, _LONGEST_PAUSE)
        raise AssertionError

    async def _once(self, operation: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        session = await self._live()
        try:
            return await session.run(operation)
        except Exception as error:  # a library's own; those of a closed connection are of any class
            if not isinstance(error, _LOST) and not session.lost:
                raise
            self._drop(session)
            raise NoConnectionError(
                f"the connection was lost, {_told(error)}",
                "see whether the server and the way to it are up, then `dovetail run resume last`",
                passing=True,
            ) from error

    def _drop(self, session: Session) -> None:
        if self.session is session:
            self.session = None
        session.connection.abort()

    async def close(self) -> None:
        """Take leave of the server."""
        session, self.session = self.session, None
        if session is not None:
            session.connection.close()
            with suppress(Exception):  # it is gone either way
                await session.connection.wait_closed()

    async def _live(self) -> Session:
        async with self._connecting:
            if self.session is None or self.session.lost:
                self.session = Session(await self._connect())
                self._connected_before = True
            return self.session

    async def _connect(self) -> asyncssh.SSHClientConnection:
        host, port, username, _ = self._place
        server = _Server(self._config.host_key)
        credentials, known_hosts = self._credentials(), self._known_hosts()
        try:
            connection, _ = await asyncssh.create_connection(
                lambda: server,
                host,
                port,
                username=username or getpass.getuser(),
                config=None,
                tunnel=Wire(),
                connect_timeout=self._config.timeout,
                login_timeout=self._config.timeout,
                keepalive_interval=self._config.keepalive,
                keepalive_count_max=_SILENT_QUESTIONS,
                known_hosts=known_hosts,
                **credentials,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._untrusted(server.offered, error) from error
        except asyncssh.PermissionDenied as error:
            raise NoConnectionError(
                f"the server refuses the credentials of user {username or getpass.getuser()!r}",
                "check 'username', 'private_key' and its passphrase, or 'password'",
            ) from error
        except (OSError, asyncssh.Error) as error:
            raise self._unreachable(error) from error
        return connection

    def _credentials(self) -> dict[str, Any]:
        """Return what the login is made with; what is set is used alone, not what lies in ~/.ssh besides."""
        config = self._config
        password = config.password.get_secret_value() if config.password else None
        if config.private_key is not None:
            passphrase = config.passphrase.get_secret_value() if config.passphrase else None
            key = _private_key(config.private_key, passphrase)
            return {"client_keys": [key], "agent_path": None, "password": password}
        if password is not None:
            return {"client_keys": None, "agent_path": None, "password": password}
        return {}

    def _known_hosts(self) -> str | bytes:
        if self._config.host_key is not None:
            return b""
        file = self._config.known_hosts
        if file is not None and not file.is_file() and str(file) != os.devnull:
            said = (
                f"{str(file)!r} with host keys is no plain file"
                if file.exists()
                else f"there is no file {str(file)!r} with host keys"
            )
            raise NoConnectionError(said, "correct the setting 'known_hosts'")
        file = file or Path("~/.ssh/known_hosts").expanduser()
        return str(file) if file.is_file() else b""

    def _untrusted(self, key: asyncssh.SSHKey | None, error: Exception) -> NoConnectionError:
        if key is None:
            return NoConnectionError(
                f"the host key of the server cannot be verified, {_told(error)}",
                "check the file of known hosts and the server's certificate",
            )
        offered = f"{key.algorithm.decode()} {key.get_fingerprint()}"
        if self._config.host_key is not None:
            known = f"and the setting 'host_key' names {self._config.host_key}"
        else:
            known = "and " + self._how_known()
        return NoConnectionError(
            f"the server offers the host key {offered}, {known}",
            "ask whoever runs the server whether this is its key: a stranger in between would look the same. "
            "If it is, accept it: "
            f"`dovetail artifact-store update NAME --host-key {key.get_fingerprint()}`, or "
            f"`ssh-keyscan -p {self._place.port} {shlex.quote(self._place.host)}` into the known hosts",
        )

    def _how_known(self) -> str:
        file = self._config.known_hosts or Path("~/.ssh/known_hosts")
        trusted = asyncssh.match_known_hosts(self._known_hosts(), self._place.host, "", self._place.port)[0]
        if trusted:
            names = ", ".join(each.get_fingerprint() for each in trusted)
            return f"that is not the one known of it: the key has changed; {str(file)!r} has {names}"
        return f"it is unknown: {str(file)!r} has no key of this server"

    def _unreachable(self, error: Exception) -> NoConnectionError:
        # A server that is full or starting again hangs up before the login; that passes.
        passing = self._connected_before or isinstance(error, ConnectionResetError | asyncssh.ConnectionLost)
        return NoConnectionError(
            f"the server {self._place.host!r}, port {self._place.port}, cannot be reached, {_told(error)}",
            "check host and port, and that an SSH server answers there",
            passing=passing,
        )


class _Server(asyncssh.SSHClient):
    """Keeps the host key that a server offered, and trusts the one of a given fingerprint."""

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.offered = key
        return self._fingerprint is not None and key.get_fingerprint() == self._fingerprint


def _private_key(file: Path, passphrase: str | None) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(str(file), passphrase)
    except OSError as error:
        raise NoConnectionError(
            f"the private key {str(file)!r} cannot be read, {_told(error)}",
            "correct the setting 'private_key'",
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise NoConnectionError(
            f"the private key {str(file)!r} cannot be opened, {_told(error)}",
            "check that it is a private key, and the setting 'passphrase'",
        ) from error


def _told(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {text}".rstrip(": ")

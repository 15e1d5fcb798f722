"""The settings of the store."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from dovetail.plugin import ComponentConfig, LocalPath

_PORT = 22
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class Place(NamedTuple):
    """Where artifacts lie: a folder on a server. A path without a leading `/` begins where a login begins."""

    host: str
    port: int
    username: str | None
    path: str

    @property
    def on_this_machine(self) -> bool:
        """Whether only this machine can mean that server by its name."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def __str__(self) -> str:
        """Return it as a URL."""
        user = f"{self.username}@" if self.username else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = self.path if self.path.startswith("/") else f"/~/{self.path}"
        return f"sftp://{user}{host}:{self.port}{path}"


class SftpArtifactStoreConfig(ComponentConfig):
    """Which folder of which server, how to log in there, and by what the server is known."""

    url: str | None = Field(
        default=None, description="`sftp://user@host:port/path`; a path below `/~/` begins where a login does"
    )
    host: str | None = Field(default=None, description="the server, instead of `url`")
    port: int | None = Field(default=None, ge=1, le=65535, description="its port, 22")
    username: str | None = Field(default=None, description="who logs in; default: the user of this machine")
    path: str | None = Field(default=None, description="the folder; relative: where a login begins")
    private_key: LocalPath | None = Field(
        default=None, description="file of the private key; unset: the agent, and keys in ~/.ssh"
    )
    passphrase: SecretStr | None = Field(default=None, description="opens the private key")
    password: SecretStr | None = Field(default=None, description="logs in where no key does")
    known_hosts: LocalPath | None = Field(
        default=None, description="file of the host keys that are trusted; default: ~/.ssh/known_hosts"
    )
    host_key: str | None = Field(
        default=None, description="fingerprint of the one host key that is trusted: `SHA256:...`"
    )
    keepalive: float = Field(default=15.0, gt=0, description="seconds of silence before the server is asked")
    timeout: float = Field(default=30.0, gt=0, description="seconds that connecting and logging in may take")
    durable: bool = Field(default=True, description="a file counts as stored when it is on the server's disk")
    attempts: int = Field(default=5, ge=1, description="how often a transfer is begun when connections drop")

    @field_validator("host_key")
    @classmethod
    def _is_fingerprint(cls, text: str | None) -> str | None:
        if text is not None and not _FINGERPRINT.fullmatch(text):
            raise ValueError("a fingerprint is 'SHA256:' and 43 characters, as `ssh-keygen -lf` prints it")
        return text

    @model_validator(mode="after")
    def _names_a_place(self) -> Self:
        self.place()
        return self

    def place(self) -> Place:
        """Return where artifacts lie.

        Raises:
            ValueError: neither `url` nor `host` and `path` say it, or both do.
        """
        apart = (self.host, self.port, self.username, self.path)
        if self.url is None:
            if not self.host or not self.path:
                raise ValueError("it needs 'url', or 'host' and 'path'")
            return Place(self.host, self.port or _PORT, self.username, _folder(self.path))
        if any(each is not None for each in apart):
            raise ValueError("'url' says host, port, username and path already")
        return _place(self.url)


def _place(url: str) -> Place:
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError("a password does not belong into 'url'; it is a setting of its own")
    if parts.scheme not in {"sftp", "ssh"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("'url' is sftp://user@host:port/path")
    path = unquote(parts.path).removeprefix("/~/")
    if not path:
        raise ValueError("'url' names no folder: sftp://user@host:port/path")
    return Place(
        parts.hostname,
        parts.port or _PORT,
        unquote(parts.username) if parts.username else None,
        _folder(path),
    )


def _folder(path: str) -> str:
    if ".." in path.split("/") or not path.isprintable():
        raise ValueError(f"{path!r} is no plain path of a folder")
    return path.rstrip("/") or "/"

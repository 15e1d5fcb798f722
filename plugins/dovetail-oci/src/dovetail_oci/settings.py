"""The settings of the registry."""

from __future__ import annotations

import ipaddress
import re
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from dovetail.plugin import ComponentConfig, LocalPath

_ADDRESS = re.compile(
    r"(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:(?P<port>\d{1,5}))?(?P<path>(/[a-z0-9][a-z0-9._-]*)*)"
)


class OciRegistryConfig(ComponentConfig):
    """Which registry, and how to log in there."""

    address: str = Field(description="host, port and perhaps a path: `127.0.0.1:5000`, `ghcr.io/acme`")
    username: str | None = Field(default=None, description="who logs in; unset: nobody")
    password: SecretStr | None = Field(default=None, description="password or access token of the user")
    insecure: bool = Field(default=False, description="speak plain HTTP, also with another machine")
    certificate_authority: LocalPath | None = Field(
        default=None, description="file of the certificates that are trusted; default: those of `certifi`"
    )
    timeout: float = Field(default=30.0, gt=0, description="seconds until no answer is taken as none")

    @field_validator("address")
    @classmethod
    def _is_address(cls, text: str) -> str:
        if not _ADDRESS.fullmatch(text):
            raise ValueError("an address is host:port or host/path, without a scheme and without credentials")
        return text

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("'password' needs 'username'")
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether only this machine can mean that registry by its address."""
        return is_loopback(self.host)

    @property
    def host(self) -> str:
        """The name of the machine."""
        return self.address.partition("/")[0].rsplit(":", 1)[0].strip("[]")

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        plain = self.insecure or self.on_this_machine
        return f"{'http' if plain and self.certificate_authority is None else 'https'}://{self.host_and_port}"

    @property
    def host_and_port(self) -> str:
        """The address without its path."""
        return self.address.partition("/")[0]

    @property
    def prefix(self) -> str:
        """What stands before every repository: the path of the address, with a slash at its end."""
        path = self.address.partition("/")[2]
        return f"{path}/" if path else ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine whatever the network says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

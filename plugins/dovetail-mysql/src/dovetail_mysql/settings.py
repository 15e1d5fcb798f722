"""The settings of the store."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from dovetail.plugin import ComponentConfig, LocalPath


class MysqlMetadataStoreConfig(ComponentConfig):
    """Which database it is, and how it is reached."""

    host: str = Field(default="localhost", description="name or address of the server")
    port: int = Field(default=3306, ge=1, le=65535, description="its port")
    unix_socket: LocalPath | None = Field(default=None, description="its socket, in place of host and port")
    dbname: str = Field(
        pattern=r"^[^/\\.\s`][^/\\.`]{0,63}$", description="the database, which is there already"
    )
    user: str = Field(description="the account that Dovetail logs in as")
    password: SecretStr | None = Field(default=None, description="its password")
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] | None = Field(
        default=None, description="whether the connection is encrypted and the server's certificate checked"
    )
    sslrootcert: LocalPath | None = Field(
        default=None, description="file of the authorities that are trusted"
    )
    sslcert: LocalPath | None = Field(default=None, description="file with this client's certificate")
    sslkey: LocalPath | None = Field(default=None, description="file with its key, readable by nobody else")
    connect_timeout: int = Field(default=10, ge=1, description="seconds to wait for a connection")
    statement_timeout: float = Field(
        default=60.0,
        gt=0,
        description="seconds after which an answer of the server is not waited for any more",
    )
    patience: float = Field(
        default=60.0, ge=0, description="seconds to wait in the middle of a run for a server that is away"
    )

    @model_validator(mode="after")
    def _certificates(self) -> Self:
        if self.sslmode in {"verify-ca", "verify-full"} and self.sslrootcert is None:
            raise ValueError(f"'sslmode' {self.sslmode} needs 'sslrootcert'")
        return self

    def on_this_host(self) -> bool:
        """Say whether the server is reached by an address that only this machine has."""
        if self.unix_socket is not None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

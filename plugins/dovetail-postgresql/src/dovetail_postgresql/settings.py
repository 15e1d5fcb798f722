"""The settings of the store."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, model_validator

from dovetail.plugin import ComponentConfig, LocalPath

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
_PLACE = ("host", "port", "dbname", "user")


class PostgresqlMetadataStoreConfig(ComponentConfig):
    """Which database it is, and how it is reached."""

    url: str | None = Field(
        default=None,
        description="`postgresql://user@host:port/dbname`, in place of the four; no password in it",
    )
    host: str | None = Field(
        default=None, description="name or address of the server, or the folder of its socket"
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="its port; PostgreSQL's own default is 5432"
    )
    dbname: str | None = Field(default=None, description="the database, which is there already")
    user: str | None = Field(default=None, description="the role that Dovetail logs in as")
    password: SecretStr | None = Field(
        default=None, description="its password; without one PGPASSWORD and the password file are asked"
    )
    sslmode: SslMode | None = Field(
        default=None, description="whether the connection is encrypted and the server's certificate checked"
    )
    sslrootcert: LocalPath | None = Field(
        default=None, description="file of the authorities that are trusted"
    )
    sslcert: LocalPath | None = Field(default=None, description="file with this client's certificate")
    sslkey: LocalPath | None = Field(default=None, description="file with its key, readable by nobody else")
    schema_name: str = Field(
        default="public",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="the schema of the tables; made if it is not there",
    )
    application_name: str = Field(
        default="dovetail", max_length=63, description="what the server's lists show"
    )
    connect_timeout: int = Field(default=10, ge=2, description="seconds to wait for a connection")
    statement_timeout: float = Field(
        default=60.0, gt=0, description="seconds after which the server gives up a statement"
    )
    patience: float = Field(
        default=60.0, ge=0, description="seconds to wait in the middle of a run for a server that is away"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url is None:
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in {"postgresql", "postgres"}:
            raise ValueError("'url' does not begin with postgresql://")
        if parts.password is not None or "password" in parse_qs(parts.query):
            raise ValueError(
                "'url' holds a password, which would be kept in plain text; it has a setting of its own"
            )
        if both := [name for name in _PLACE if getattr(self, name) is not None]:
            raise ValueError(f"'url' says where the database is, and so does {both[0]!r}: give one of them")
        return self

    def parameters(self) -> dict[str, Any]:
        """Return what libpq calls its keywords, as far as they are given."""
        given = self.model_dump(
            include={*_PLACE, "sslmode", "sslrootcert", "sslcert", "sslkey"}, exclude_none=True
        )
        named = {key: str(value) for key, value in given.items()}
        if self.password is not None:
            named["password"] = self.password.get_secret_value()
        return {**named, "application_name": self.application_name, "connect_timeout": self.connect_timeout}

    def on_this_host(self) -> bool:
        """Say whether the server is reached by an address that only this machine has."""
        host = self.host
        if self.url is not None:
            parts = urlsplit(self.url)
            host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
        return host is not None and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine: by a local name or address, or by the folder of a socket."""
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

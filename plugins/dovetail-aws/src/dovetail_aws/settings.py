"""The settings of the secrets manager."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from dovetail.plugin import ComponentConfig, LocalPath

_PREFIX = re.compile(r"[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*")
_SHORTEST_WINDOW = 7


class AwsSecretsManagerConfig(ComponentConfig):
    """Where secrets are kept, who asks for them, and how."""

    prefix: str = Field(
        default="dovetail", max_length=200, description="what the names of all secrets begin with in AWS"
    )
    region: str | None = Field(
        default=None, description="region of the secrets; default: as the AWS tools find it"
    )
    profile: str | None = Field(
        default=None, description="profile of the AWS configuration files; not together with keys"
    )
    access_key_id: SecretStr | None = Field(
        default=None, description="access key; without it, the profile or the default chain of the AWS tools"
    )
    secret_access_key: SecretStr | None = Field(default=None, description="secret key of the access key")
    session_token: SecretStr | None = Field(
        default=None, description="session token, where the keys are temporary"
    )
    endpoint_url: str | None = Field(
        default=None, description="address of a service other than that of the region, such as a VPC endpoint"
    )
    ca_bundle: LocalPath | None = Field(
        default=None,
        description="file of the authorities to trust, for a service with certificates of its own",
    )
    kms_key_id: str | None = Field(
        default=None, description="key of KMS that seals what is put; default: that of the account"
    )
    recovery_window: int = Field(
        default=30,
        ge=0,
        le=30,
        description="days for which AWS keeps a deleted secret: 7 to 30, or 0 to delete for good at once",
    )
    attempts: int = Field(
        default=5, ge=1, le=20, description="tries of each request when the service is busy or unreachable"
    )
    connect_timeout: float = Field(default=10, gt=0, description="seconds for a connection")
    read_timeout: float = Field(default=30, gt=0, description="seconds without an answer")

    @field_validator("prefix")
    @classmethod
    def _is_a_beginning(cls, prefix: str) -> str:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError("it has letters, digits and _+=.@-, and '/' between its parts")
        return prefix

    @field_validator("recovery_window")
    @classmethod
    def _is_a_window(cls, days: int) -> int:
        if 0 < days < _SHORTEST_WINDOW:
            raise ValueError("AWS has 7 to 30 days; 0 deletes for good at once")
        return days

    @field_validator("endpoint_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ValueError("keys do not belong into an address; they have settings of their own")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("it has the form https://host or https://host:port")
        return url.rstrip("/")

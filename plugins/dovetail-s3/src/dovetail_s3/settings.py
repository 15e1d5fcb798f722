"""The settings of the store."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from dovetail.plugin import ComponentConfig, LocalPath

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


class S3ArtifactStoreConfig(ComponentConfig):
    """Where artifacts go, as whom, and how."""

    url: str = Field(description="bucket and, if you like, folder: `s3://bucket/folder`")
    endpoint_url: str | None = Field(
        default=None, description="address of a service other than AWS: `https://minio.example.org`"
    )
    region: str | None = Field(
        default=None, description="region of the bucket; default: as the AWS tools find it"
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
    addressing: Literal["auto", "path", "virtual"] = Field(
        default="auto", description="whether the bucket stands in the path or in the host name"
    )
    ca_bundle: LocalPath | None = Field(
        default=None,
        description="file of the authorities to trust, for a service with certificates of its own",
    )
    encryption: Literal["AES256", "aws:kms"] | None = Field(
        default=None, description="encryption at rest; default: that of the bucket"
    )
    kms_key_id: str | None = Field(default=None, description="key of KMS, with encryption `aws:kms`")
    checksums: Literal["always", "when_required"] = Field(
        default="always", description="`when_required` for services that refuse the newer checksums of AWS"
    )
    conditional_writes: bool = Field(
        default=True, description="no: for services without If-None-Match; see the limits"
    )
    part_size: int = Field(
        default=8, ge=5, le=512, description="MiB of a part: larger files are moved in several at a time"
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="parts of one file that move at a time")
    attempts: int = Field(
        default=5, ge=1, le=20, description="tries of each request when the service is busy or unreachable"
    )
    connect_timeout: float = Field(default=10, gt=0, description="seconds for a connection")
    read_timeout: float = Field(default=60, gt=0, description="seconds without an answer")
    abandoned_after_days: int = Field(
        default=7,
        ge=1,
        description="age at which `artifact prune` drops the parts of uploads that never ended",
    )

    @field_validator("url")
    @classmethod
    def _names_a_bucket(cls, url: str) -> str:
        bucket, _, folder = url.removeprefix("s3://").rstrip("/").partition("/")
        if not url.startswith("s3://") or not _BUCKET.fullmatch(bucket):
            raise ValueError("it has the form s3://bucket or s3://bucket/folder")
        if "//" in f"/{folder}/" * bool(folder) or not folder.isprintable() or set(folder) & set("?#\\"):
            raise ValueError("the folder has an empty part, '?', '#' or a backslash")
        return url.rstrip("/")

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

    @property
    def bucket(self) -> str:
        """Return the name of the bucket."""
        return self.url.removeprefix("s3://").partition("/")[0]

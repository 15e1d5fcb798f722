"""The connection to the service: who asks, where, and how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiobotocore.session import AioSession
from pydantic import SecretStr

from dovetail.plugin import ConfigurationError, tls_context
from dovetail_s3.settings import S3ArtifactStoreConfig

_TOO_MANY_REQUESTS = 429
_REDIRECTIONS = frozenset({301, 302, 307, 308})
_LONGEST_PAUSE = 10.0


def filesystem_options(config: S3ArtifactStoreConfig) -> dict[str, Any]:
    """Return what s3fs is made with.

    Raises:
        ConfigurationError: settings of who asks contradict each other, or `ca_bundle` holds no certificates.
    """
    _check_identity(config)
    if config.ca_bundle is not None:  # what botocore says of a bad one names no file
        tls_context(authorities=config.ca_bundle)
    return {
        "key": _plain(config.access_key_id),
        "secret": _plain(config.secret_access_key),
        "token": _plain(config.session_token),
        "endpoint_url": config.endpoint_url,
        "session": _session(config),
        "client_kwargs": {"verify": str(config.ca_bundle)} if config.ca_bundle else {},
        "config_kwargs": _client_settings(config),
        "s3_additional_kwargs": _encryption(config),
        "max_concurrency": config.concurrency,
        "default_block_size": config.part_size << 20,
        # Its instances are kept for ever, and with them connections and keys.
        "skip_instance_cache": True,
    }


def _check_identity(config: S3ArtifactStoreConfig) -> None:
    given = {
        name
        for name in ("access_key_id", "secret_access_key", "session_token")
        if getattr(config, name) is not None
    }
    if given and config.profile is not None:
        raise ConfigurationError(
            f"settings 'profile' and {min(given)!r} are both given, and each says who asks",
            hint="keep one of them",
        )
    lacking = {"access_key_id", "secret_access_key"} - given
    if given and lacking:
        raise ConfigurationError(
            f"setting {min(given)!r} is given and {min(lacking)!r} is not",
            hint="give both; or neither, for a profile or the default chain of the AWS tools",
        )


def _session(config: S3ArtifactStoreConfig) -> AioSession:
    session = AioSession(profile=config.profile)
    if config.region is not None:
        session.set_config_variable("region", config.region)
    session.register("needs-retry.s3", partial(_pause, config.attempts))
    session.get_component("event_emitter").register_first("needs-retry.s3", _stay)
    return session


def _pause(most: int, *, response: tuple[Any, Any] | None, attempts: int, **_: object) -> float | None:
    """Return how long to wait after 429, which botocore does not know of S3; None for anything else."""
    if response is None or response[0].status_code != _TOO_MANY_REQUESTS or attempts >= most:
        return None
    return random.random() * min(2.0 ** (attempts - 1), _LONGEST_PAUSE)  # noqa: S311 - a pause is no secret


def _stay(*, response: tuple[Any, Any] | None, request_dict: dict[str, Any], **_: object) -> None:
    """Keep botocore from asking for the region where a redirection names none: it would ask for ever."""
    if response is not None and response[0].status_code in _REDIRECTIONS:
        said = response[1].get("Error", {}).get("Region")
        if not said and "x-amz-bucket-region" not in response[0].headers:
            request_dict["context"].setdefault("s3_redirect", {})["redirected"] = True


def _client_settings(config: S3ArtifactStoreConfig) -> Mapping[str, Any]:
    checksums = "when_supported" if config.checksums == "always" else "when_required"
    return {
        "retries": {"mode": "standard", "total_max_attempts": config.attempts},
        "connect_timeout": config.connect_timeout,
        "read_timeout": config.read_timeout,
        # Parts of several files at a time, in threads of one step.
        "max_pool_connections": max(32, 2 * config.concurrency),
        "s3": {"addressing_style": config.addressing},
        "request_checksum_calculation": checksums,
        "response_checksum_validation": checksums,
    }


def _encryption(config: S3ArtifactStoreConfig) -> dict[str, str]:
    if config.encryption is None:
        return {}
    key = {"SSEKMSKeyId": config.kms_key_id} if config.kms_key_id else {}
    return {"ServerSideEncryption": config.encryption, **key}


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

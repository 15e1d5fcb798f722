"""The connection to the service: who asks, where, how often, and that nothing of it is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import boto3
from botocore.config import Config
from pydantic import SecretStr

from dovetail.plugin import ConfigurationError, tls_context
from dovetail_aws.settings import AwsSecretsManagerConfig

_discreet: ContextVar[bool] = ContextVar("_discreet", default=False)


def _may_be_told(_: logging.LogRecord) -> bool:
    return not _discreet.get()


# At level DEBUG these write down requests, answers and tokens as they are.
for _name in ("auth", "endpoint", "parsers"):
    logging.getLogger(f"botocore.{_name}").addFilter(_may_be_told)


@contextmanager
def discretion() -> Iterator[None]:
    """Keep what is said to the service and by it out of the logs, whatever their level."""
    before = _discreet.set(True)
    try:
        yield
    finally:
        _discreet.reset(before)


def new_client(config: AwsSecretsManagerConfig) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
    """Return a client of the service; several threads may use it, a forked process may not.

    Raises:
        ConfigurationError: settings of who asks contradict each other, or `ca_bundle` holds no certificates.
    """
    _check_identity(config)
    if config.ca_bundle is not None:  # what botocore says of a bad one names no file
        tls_context(authorities=config.ca_bundle)
    session = boto3.session.Session(
        aws_access_key_id=_plain(config.access_key_id),
        aws_secret_access_key=_plain(config.secret_access_key),
        aws_session_token=_plain(config.session_token),
        region_name=config.region,
        profile_name=config.profile,
    )
    return session.client(
        "secretsmanager",
        endpoint_url=config.endpoint_url,
        verify=str(config.ca_bundle) if config.ca_bundle else None,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": config.attempts},
            connect_timeout=config.connect_timeout,
            read_timeout=config.read_timeout,
            max_pool_connections=32,
        ),
    )


def _check_identity(config: AwsSecretsManagerConfig) -> None:
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


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

"""A secrets manager on AWS Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_secrets_managers() -> Iterator[Flavor]:
    """Announce the secrets manager."""
    yield Flavor(
        "aws",
        contract=1,
        config="dovetail_aws.settings:AwsSecretsManagerConfig",
        implementation="dovetail_aws.manager:AwsSecretsManager",
        summary="AWS Secrets Manager",
    )

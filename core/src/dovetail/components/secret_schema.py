"""Schemas of secrets: which keys a secret of a kind has, so that its users find them by these names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dovetail.errors import ConfigurationError, NotFoundError, did_you_mean


@dataclass(frozen=True, slots=True)
class SecretSchema:
    """A kind of secret: the keys it must have, and those it may have.

    `shown` are keys whose values are not confidential and need no hiding while they are typed.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    summary: str = ""

    @property
    def free(self) -> bool:
        """Say whether any key will do."""
        return not self.required and not self.optional

    def check(self, keys: Iterable[str]) -> None:
        """Raise ConfigurationError where keys lack or are none of this kind."""
        given = list(keys)
        lacking = [each for each in self.required if each not in given]
        unknown = (
            [] if self.free else [each for each in given if each not in (*self.required, *self.optional)]
        )
        if lacking:
            raise ConfigurationError(
                f"a secret of schema {self.name!r} needs {', '.join(map(repr, lacking))}",
                hint=f"its keys are {', '.join((*self.required, *self.optional))}",
            )
        if unknown:
            near = did_you_mean(unknown[0], [*self.required, *self.optional])
            raise ConfigurationError(f"a secret of schema {self.name!r} has no key {unknown[0]!r}", hint=near)


CORE_SCHEMAS = (
    SecretSchema("arbitrary", (), summary="any keys"),
    SecretSchema(
        "basic-auth", ("username", "password"), shown=("username",), summary="a user's name and password"
    ),
    SecretSchema(
        "aws",
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_session_token", "region"),
        shown=("aws_access_key_id", "region"),
        summary="an access key of Amazon Web Services",
    ),
    SecretSchema(
        "gcp",
        ("service_account",),
        ("project",),
        shown=("project",),
        summary="a service account, as its JSON file",
    ),
    SecretSchema(
        "azure",
        ("account_name",),
        ("account_key", "sas_token", "connection_string", "tenant_id", "client_id", "client_secret"),
        shown=("account_name", "tenant_id", "client_id"),
        summary="a storage account, or a service principal",
    ),
)


def secret_schema(name: str) -> SecretSchema:
    """Return the schema of a name; raises NotFoundError where there is none."""
    known = {each.name: each for each in CORE_SCHEMAS}
    if name not in known:
        raise NotFoundError(
            f"there is no schema {name!r}", hint=did_you_mean(name, list(known)) or ", ".join(known)
        )
    return known[name]

"""The secrets manager that reads the environment: for containers and jobs that are given their secrets so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping

from dovetail.plugin import (
    ComponentConfig,
    ConfigurationError,
    NotFoundError,
    Reach,
    SecretsManager,
    check_name,
    did_you_mean,
)

PREFIX = "DOVETAIL_SECRET_"
ALL = "DOVETAIL_SECRETS"


class EnvSecretsManagerConfig(ComponentConfig):
    """Nothing is to be set."""


class EnvSecretsManager(SecretsManager):
    """Reads `DOVETAIL_SECRET_<NAME>_<KEY>`, and the JSON object in `DOVETAIL_SECRETS`; writes nothing.

    A NAME ends at the first `_`, or at the first `__` where there is one: `DOVETAIL_SECRET_DB_PASSWORD`
    and `DOVETAIL_SECRET_MY_DB__PASSWORD`. Names and keys of variables are in lower case; where a name was
    asked for with `-` or `.`, `_` stands in the variable. The JSON object has names as they are:
    `{"my-db": {"password": "..."}}`. There are no scopes.
    """

    config_class = EnvSecretsManagerConfig
    reach = Reach.HOST

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        """Return the keys and values of a secret."""
        check_name("secret", name)
        found: dict[str, str] = {}
        known: set[str] = set()
        for each, key, value in self._all(scope):
            known.add(each)
            if each in {name, _in_variables(name)}:
                found.setdefault(key, value)
        if not found:
            scoped = "" if scope is None else f" of scope {scope!r}, for it has no scopes"
            raise NotFoundError(
                f"there is no secret {name!r}{scoped} in the environment",
                hint=did_you_mean(name, sorted(known)) or f"set {PREFIX}{_in_variables(name).upper()}__KEY",
            )
        return found

    def names(self, *, scope: str | None = None) -> list[str]:
        """Return the names of the secrets in a scope."""
        return sorted({name for name, _, _ in self._all(scope)})

    def _all(self, scope: str | None) -> Iterator[tuple[str, str, str]]:
        if scope is not None:
            return
        for name, values in _document().items():
            for key, value in values.items():
                yield name, key, value
        for variable, value in sorted(os.environ.items()):
            rest = variable.removeprefix(PREFIX).lower()
            name, found, key = rest.partition("__" if "__" in rest else "_")
            if variable.startswith(PREFIX) and name and found and key:
                yield name, key, value


def _in_variables(name: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in name).lower()


def _document() -> dict[str, dict[str, str]]:
    text = os.environ.get(ALL)
    if not text:
        return {}
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not all(
        isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
        for values in document.values()
    ):
        raise ConfigurationError(
            f"{ALL} is no JSON object of names with keys and texts", hint='like {"db": {"password": "..."}}'
        )
    return document

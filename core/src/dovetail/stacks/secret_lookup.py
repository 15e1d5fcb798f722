"""From a reference to its value: which secrets manager is asked, for which scopes, and that it is masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import ConfigurationError, DovetailError, NotFoundError, did_you_mean, nearest
from dovetail.names import check_name
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.redaction import register
from dovetail.secrets import SecretReference

DEFAULT_SECRETS_MANAGER = ComponentRecord(
    type="secrets_manager", name="local", flavor="dovetail/local", config={}
)
"""What gives out the secrets of a stack that names no secrets manager."""
GLOBAL = "global"
_KINDS = ("pipeline", "profile")


def secrets_manager_record(stack: StackRecord) -> ComponentRecord:
    """Return the secrets manager of a stack, the default one where it names none."""
    return stack.components.get("secrets_manager", DEFAULT_SECRETS_MANAGER)


def scopes(profile: str, pipeline: str | None = None) -> tuple[str | None, ...]:
    """Return where a secret is looked for, the most specific scope first; None is the global one."""
    narrow = () if pipeline is None else (f"pipeline:{pipeline}",)
    return (*narrow, f"profile:{profile}", None)


def read_scope(text: str, profile: str) -> str | None:
    """Return the scope that a person writes: `global`, `profile`, `profile:NAME` or `pipeline:NAME`.

    Raises:
        ConfigurationError: it is none of them.
    """
    kind, separator, name = text.partition(":")
    if text == GLOBAL:
        return None
    if text == "profile":
        return f"profile:{profile}"
    if kind not in _KINDS or not separator:
        raise ConfigurationError(
            f"{text!r} is no scope", hint="write global, profile, profile:NAME or pipeline:NAME"
        )
    return f"{kind}:{check_name(kind, name)}"


class SecretLookup:
    """Gives out values by reference; each secret is asked for once, and each value given out is masked.

    `manager` makes the secrets manager when the first value is needed. `used` says that one was.
    """

    def __init__(self, manager: Callable[[], SecretsManager], scopes: Sequence[str | None]) -> None:
        self.used = False
        self._make = manager
        self._scopes = scopes
        self._manager: SecretsManager | None = None
        self._found: dict[str, Mapping[str, str]] = {}

    def __call__(self, reference: SecretReference) -> str:
        """Return the value that a reference stands for.

        Raises:
            NotFoundError: there is no such secret in any of the scopes, or it has no such key.
            StoreError: the secrets manager cannot be read, or its key is not there.
        """
        self.used = True
        if reference.name not in self._found:
            self._found[reference.name] = self._secret(reference)
        keys = self._found[reference.name]
        if reference.key not in keys:
            raise NotFoundError(
                f"secret {reference.name!r} has no key {reference.key!r}, which {str(reference)!r} asks for",
                hint=did_you_mean(reference.key, list(keys)) or f"it has {', '.join(keys) or 'no keys'}",
            )
        register(keys[reference.key])
        return keys[reference.key]

    def _secret(self, reference: SecretReference) -> Mapping[str, str]:
        if self._manager is None:
            self._manager = self._make()
        missing: NotFoundError | None = None
        for scope in self._scopes:
            try:
                return self._manager.get(reference.name, scope=scope)
            except NotFoundError as error:
                missing = error
        where = ", ".join(scope or GLOBAL for scope in self._scopes)
        raise NotFoundError(
            f"there is no secret {reference.name!r} in secrets manager {self._manager.name!r}"
            f" (looked in: {where})",
            hint=self._near(self._manager, reference.name)
            or _how_to_register(reference, self._manager, missing),
        )

    def _near(self, manager: SecretsManager, name: str) -> str | None:
        known: set[str] = set()
        for scope in self._scopes:
            with suppress(DovetailError):  # who may read a secret may not always list them
                known.update(manager.names(scope=scope))
        return nearest(name, sorted(known - {name}))


def _how_to_register(
    reference: SecretReference, manager: SecretsManager, missing: NotFoundError | None
) -> str | None:
    command = f"`dovetail secret register {reference.name}`"
    whole = f"`dovetail secret register {reference.name} --key {reference.key}`"
    hint = missing.hint if missing else None
    if hint is not None and command in hint:  # a manager knows no key; what else it says stays
        return hint.replace(command, whole)
    return f"{whole} makes it" if manager.writes else hint

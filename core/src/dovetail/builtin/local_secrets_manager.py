"""The secrets manager of one machine: a file per secret, sealed for its name, scope and schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from pydantic import Field, SecretStr

from dovetail.builtin.private_file import read, replace
from dovetail.builtin.sealing import NotSealedByThisError, seal, unseal
from dovetail.builtin.secret_key import KeySetting, VaultKey, Way, open_key
from dovetail.plugin import (
    ComponentConfig,
    NotFoundError,
    Reach,
    SecretsManager,
    StoreError,
    canonical_json,
    check_name,
    did_you_mean,
    now,
)

_SUFFIX = ".secret"


class LocalSecretsManagerConfig(ComponentConfig):
    """Where the sealed files lie, and where their key is kept."""

    path: str | None = Field(None, description="folder of the sealed files; by default in the workspace")
    key: Way = Field("auto", description="where the key is kept: the keyring if there is one, else a file")
    key_file: str | None = Field(None, description="the file of the key; by default in the user's home")
    passphrase: SecretStr | None = Field(None, description="makes the key, by scrypt, where key says so")


class LocalSecretsManager(SecretsManager):
    """Keeps secrets in files that only their key opens: AES-256-GCM, 0600 in a directory 0700.

    Name, scope and schema of a secret are authenticated with it: a file in the place of another, or one
    with a changed bit, is refused. That a file was replaced by an older one of the same secret is not seen.
    """

    config_class = LocalSecretsManagerConfig
    writes = True
    reach = Reach.HOST

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.place = Path(self.config.path).expanduser() if self.config.path else home / "secrets"
        self._key: VaultKey | None = None

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        """Return the keys and values of a secret."""
        check_name("secret", name)
        document = self._document(self._file(name, scope))
        if document is None:
            raise self._missing(name, scope)
        opened = self._opened(make=False)
        if opened is None:
            raise self._missing(name, scope)
        belongs_to = {**_header(document), "vault": opened.vault}
        try:
            if (document["name"], document["scope"]) != (name, scope):
                raise NotSealedByThisError  # noqa: TRY301 - one message for all
            values: dict[str, str] = json.loads(unseal(opened.key, document, belongs_to))
        except NotSealedByThisError:
            raise StoreError(
                f"secret {name!r}{_of(scope)} was changed from outside: {str(self._file(name, scope))!r}"
                " is not what was put there under this name",
                hint="restore the file from a backup, or register the secret again",
            ) from None
        return values

    def names(self, *, scope: str | None = None) -> list[str]:
        """Return the names of the secrets in a scope."""
        found = []
        for file in self.place.glob(f"*{_SUFFIX}"):
            document = self._document(file)
            if document is None:  # deleted meanwhile
                continue
            if file != self._file(document["name"], document["scope"]):
                raise StoreError(
                    f"{str(file)!r} holds secret {document['name']!r}, which belongs elsewhere",
                    hint="files of secrets were moved; restore them from a backup, or remove this one",
                )
            if document["scope"] == scope:
                found.append(document["name"])
        return sorted(found)

    def schema(self, name: str, *, scope: str | None = None) -> str:
        """Return the schema of a secret."""
        document = self._document(self._file(check_name("secret", name), scope))
        if document is None:
            raise self._missing(name, scope)
        return str(document["schema"])

    def put(
        self, name: str, values: Mapping[str, str], *, schema: str = "arbitrary", scope: str | None = None
    ) -> None:
        """Keep a secret under `name`, in place of one that is there."""
        check_name("secret", name)
        plain = canonical_json({check_name("key", key): value for key, value in values.items()})
        opened = self._opened(make=True)
        assert opened is not None  # noqa: S101 - it was to be made
        header = {"format": 1, "name": name, "scope": scope, "schema": schema, "changed": now()}
        sealed = seal(opened.key, plain, {**header, "vault": opened.vault})
        replace(self._file(name, scope), canonical_json({**header, **sealed}))

    def delete(self, name: str, *, scope: str | None = None) -> None:
        """Remove a secret."""
        file = self._file(check_name("secret", name), scope)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{str(file)!r}: {error.strerror}", hint="see to the place") from error

    def _opened(self, *, make: bool) -> VaultKey | None:
        if self._key is None:
            given = self.config.passphrase
            variable = "".join(each if each.isalnum() else "_" for each in self.name).upper()
            setting = KeySetting(
                way=self.config.key,
                file=self.config.key_file,
                passphrase=given.get_secret_value() if given else None,
                variable=f"DOVETAIL_SECRETS_MANAGER_{variable}_PASSPHRASE",
            )
            self._key = open_key(self.place, setting, make=make)
        return self._key

    def _file(self, name: str, scope: str | None) -> Path:
        """Return the file of a secret; no text of a user becomes a part of a path."""
        digest = hashlib.sha256(canonical_json([scope, name])).hexdigest()
        return self.place / f"{digest[:40]}{_SUFFIX}"

    def _document(self, file: Path) -> dict[str, Any] | None:
        if (data := read(file)) is None:
            return None
        try:
            document = json.loads(data)
            newer = document["format"] > 1
            document = {**document, "scope": document["scope"], "schema": str(document["schema"])}
            check_name("secret", document["name"])
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{str(file)!r} is damaged", hint="restore it from a backup, or remove it"
            ) from error
        if newer:
            raise StoreError(f"{str(file)!r} is of a newer version of Dovetail", hint="update dovetail")
        return cast("dict[str, Any]", document)

    def _missing(self, name: str, scope: str | None) -> NotFoundError:
        known: list[str] = []
        with suppress(StoreError):  # a damaged file of another secret is told by who lists them
            known = self.names(scope=scope)
        near = did_you_mean(name, known)
        return NotFoundError(
            f"there is no secret {name!r}{_of(scope)} in {self.name!r}",
            hint=near or f"`dovetail secret register {name}` makes it",
        )


def _header(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be read of a secret without the key, all of it authenticated."""
    return {name: value for name, value in document.items() if name not in {"nonce", "sealed"}}


def _of(scope: str | None) -> str:
    return "" if scope is None else f" of scope {scope!r}"

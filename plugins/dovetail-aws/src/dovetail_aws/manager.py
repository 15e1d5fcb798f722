"""The secrets manager: each secret of Dovetail is one secret of AWS, a JSON object of its keys."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dovetail.plugin import (
    ComponentConfig,
    ConfigurationError,
    IllegalNameError,
    NotFoundError,
    SecretsManager,
    StoreError,
    check_name,
)
from dovetail_aws.client import discretion, new_client
from dovetail_aws.naming import beginning
from dovetail_aws.refusal import Refusal, code_of, is_scheduled
from dovetail_aws.settings import AwsSecretsManagerConfig

_LARGEST = 65_536
_PAGE = 100
_LONGEST_PAUSE = 5.0
_SCHEMA = re.compile(r"Dovetail secret of schema (\S+)")


class _Answer(Enum):
    """How a request ended that may be refused for what is there, or not there."""

    DONE = auto()
    ABSENT = auto()
    EXISTS = auto()
    SCHEDULED = auto()


class AwsSecretsManager(SecretsManager):
    """Keeps secrets in AWS Secrets Manager, the schema as their description: both change with one request."""

    config_class = AwsSecretsManagerConfig
    writes = True

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self._client: tuple[int, Any] | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None and self._client[0] == os.getpid():
            self._client[1].close()
        self._client = None

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        """Return the keys and values of a secret."""
        place = self._place(name, scope)
        with self._told(f"read secret {name!r}{_of(scope)}", place):
            answer, found = self._tried("get_secret_value", SecretId=place)
        if answer is not _Answer.DONE:
            raise self._missing(name, scope, place, answer)
        values = _values(found.get("SecretString"))
        if values is None:
            raise StoreError(
                f"secret {name!r}{_of(scope)} in {self.name!r} is no JSON object of keys and texts",
                hint=f'somebody else made {place!r}: keep it as {{"KEY": "..."}} there, or delete it and '
                "register it again",
            )
        return values

    def names(self, *, scope: str | None = None) -> list[str]:
        """Return the names of the secrets in a scope."""
        start = beginning(self.config.prefix, scope)
        found: set[str] = set()
        with self._told(f"list secrets{_of(scope)}", start):
            pages = (
                self._connection()
                .get_paginator("list_secrets")
                .paginate(Filters=[{"Key": "name", "Values": [start]}], PaginationConfig={"PageSize": _PAGE})
            )
            for page in pages:
                found.update(each["Name"] for each in page["SecretList"] if not each.get("DeletedDate"))
        names = (each.removeprefix(start) for each in found if each.startswith(start))
        return sorted(each for each in names if _is_name(each))

    def schema(self, name: str, *, scope: str | None = None) -> str:
        """Return the schema of a secret; `arbitrary` for one that somebody else made."""
        place = self._place(name, scope)
        with self._told(f"look at secret {name!r}{_of(scope)}", place):
            answer, found = self._tried("describe_secret", SecretId=place)
        if answer is _Answer.DONE and found.get("DeletedDate"):
            answer = _Answer.SCHEDULED
        if answer is not _Answer.DONE:
            raise self._missing(name, scope, place, answer)
        said = _SCHEMA.fullmatch(found.get("Description") or "")
        return said[1] if said else "arbitrary"

    def put(
        self, name: str, values: Mapping[str, str], *, schema: str = "arbitrary", scope: str | None = None
    ) -> None:
        """Keep a secret under `name`, in place of one that is there."""
        place = self._place(name, scope)
        content = {
            "SecretString": _text(name, values),
            "Description": f"Dovetail secret of schema {schema}",
            **({"KmsKeyId": self.config.kms_key_id} if self.config.kms_key_id else {}),
        }
        with self._told(f"put secret {name!r}{_of(scope)}", place):
            put = self._put(place, content)
        if not put:
            raise StoreError(
                f"secrets manager {self.name!r}: cannot put secret {name!r}{_of(scope)}: AWS has not yet "
                f"removed the one that had this name, also at try {self.config.attempts}",
                hint="put it again in a minute; with setting 'recovery_window' it would be restored at once",
            )

    def delete(self, name: str, *, scope: str | None = None) -> None:
        """Remove a secret; with a recovery window AWS keeps it for those days, and nobody can read it."""
        place = self._place(name, scope)
        with self._told(f"delete secret {name!r}{_of(scope)}", place):
            self._tried("delete_secret", SecretId=place, **self._for_good())

    def _put(self, place: str, content: Mapping[str, str]) -> bool:
        """Write a secret that is there, is not, or is to be deleted; return whether it could be done."""
        restored = False
        try:
            for attempt in range(self.config.attempts):
                answer = self._written(place, content)
                if answer is _Answer.SCHEDULED:
                    answer, _ = self._tried("restore_secret", SecretId=place)
                    restored = restored or answer is _Answer.DONE
                    answer = self._written(place, content) if answer is _Answer.DONE else answer
                if answer is _Answer.DONE:
                    return True
                time.sleep(random.random() * min(0.2 * 2**attempt, _LONGEST_PAUSE))  # noqa: S311 - no secret
        except (BotoCoreError, ClientError):
            if restored:  # what was deleted is not to be there again because something went wrong
                with suppress(BotoCoreError, ClientError):
                    self._tried("delete_secret", SecretId=place, **self._for_good())
            raise
        return False

    def _written(self, place: str, content: Mapping[str, str]) -> _Answer:
        answer, _ = self._tried("update_secret", SecretId=place, **content)
        if answer is _Answer.ABSENT:
            answer, _ = self._tried("create_secret", Name=place, **content)
        if answer is _Answer.EXISTS:  # another made it meanwhile
            answer, _ = self._tried("update_secret", SecretId=place, **content)
        return answer

    def _for_good(self) -> dict[str, Any]:
        days = self.config.recovery_window
        return {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}

    def _tried(self, method: str, **arguments: Any) -> tuple[_Answer, Mapping[str, Any]]:
        """Return what the service answers; refusals that have to do with what is there are answers too."""
        try:
            return _Answer.DONE, getattr(self._connection(), method)(**arguments)
        except ClientError as error:
            if is_scheduled(error):
                return _Answer.SCHEDULED, {}
            known = {"ResourceNotFoundException": _Answer.ABSENT, "ResourceExistsException": _Answer.EXISTS}
            if code_of(error) not in known:
                raise
            return known[code_of(error)], {}

    def _connection(self) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
        """Return the client of this process; connections of the one it was forked from are not its own."""
        if self._client is None or self._client[0] != os.getpid():
            self._client = os.getpid(), new_client(self.config)
        return self._client[1]

    @contextmanager
    def _told(self, need: str, place: str) -> Iterator[None]:
        """Turn what goes wrong into one error, without the words of the service."""
        try:
            with discretion():
                yield
        except (BotoCoreError, ClientError, ValueError) as error:
            what = f"secrets manager {self.name!r}: cannot {need}"
            raise Refusal(self.config, self.name).told(error, what, place) from None

    def _place(self, name: str, scope: str | None) -> str:
        """Return what a secret is called in AWS."""
        return beginning(self.config.prefix, scope) + check_name("secret", name)

    def _missing(self, name: str, scope: str | None, place: str, answer: _Answer) -> NotFoundError:
        region = self.config.region or "the default region"
        state = ", only one that was deleted and can be restored" if answer is _Answer.SCHEDULED else ""
        return NotFoundError(
            f"there is no secret {name!r}{_of(scope)} in {self.name!r}{state}",
            hint=f"`dovetail secret register {name}` makes it; or are settings 'region' and 'prefix' right? "
            f"{place!r} was looked for in {region}",
        )


def _text(name: str, values: Mapping[str, str]) -> str:
    """Return values as AWS is to keep them; what cannot be kept is refused before anything is sent."""
    for key, value in values.items():
        if not isinstance(value, str):
            raise ConfigurationError(
                f"key {check_name('key', key)!r} of secret {name!r} is {type(value).__name__}, not text",
                hint="values of secrets are texts",
            )
    text = json.dumps({check_name("key", key): value for key, value in values.items()}, ensure_ascii=False)
    size = len(text.encode(errors="surrogatepass"))
    if size > _LARGEST:
        raise ConfigurationError(
            f"secret {name!r} has {size} bytes with its keys, AWS takes {_LARGEST}",
            hint="keep large files elsewhere, and what opens them here",
        )
    return text


def _values(text: str | None) -> dict[str, str] | None:
    """Return what a secret of AWS holds, numbers as they stand; None where it is something else."""
    try:
        found = json.loads(text or "", parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str | bool) for each in found.values()):
        return None
    return {key: json.dumps(each) if isinstance(each, bool) else each for key, each in found.items()}


def _is_name(text: str) -> bool:
    """Say whether secrets of Dovetail can be called so; others lie in other scopes, or are not ours."""
    try:
        return check_name("secret", text) == text
    except IllegalNameError:
        return False


def _of(scope: str | None) -> str:
    return "" if scope is None else f" of scope {scope!r}"

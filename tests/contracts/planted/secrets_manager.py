"""Faults of secrets managers."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.env_secrets_manager import EnvSecretsManager, EnvSecretsManagerConfig
from dovetail.builtin.local_secrets_manager import LocalSecretsManager, LocalSecretsManagerConfig
from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import NotFoundError, StoreError
from dovetail.names import check_name
from dovetail.testing.faults import Faults
from dovetail.testing.secrets_manager import SecretsManagerContract

_PLACES: dict[str, dict[tuple[str | None, str], dict[str, str]]] = {}


class Kept(SecretsManager):
    """A manager that keeps secrets in this process, without a fault."""

    writes = True
    config_class = LocalSecretsManagerConfig

    @property
    def place(self) -> dict[tuple[str | None, str], dict[str, str]]:
        """What is kept, the same for all managers of a home."""
        return _PLACES.setdefault(str(self.home), {})

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        """Return a secret."""
        check_name("secret", name)
        try:
            return dict(self.place[scope, name])
        except KeyError:
            raise NotFoundError(f"no secret {name!r} in scope {scope!r}", hint="put it") from None

    def names(self, *, scope: str | None = None) -> list[str]:
        """Return the names of a scope."""
        return sorted(name for kept, name in list(self.place) if kept == scope)

    def put(
        self, name: str, values: Mapping[str, str], *, scope: str | None = None, schema: str | None = None
    ) -> None:
        """Keep a secret."""
        check_name("secret", name.removesuffix(" deleted"))
        if not all(isinstance(value, str) for value in values.values()):
            raise TypeError("a value of a secret is a text")
        self.place[scope, name] = dict(values)

    def delete(self, name: str, *, scope: str | None = None) -> None:
        """Forget a secret."""
        check_name("secret", name)
        self.place.pop((scope, name), None)


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on managers of this class."""

    class InMemory(SecretsManagerContract):
        @pytest.fixture
        def manager(self, tmp_path: Path) -> SecretsManager:
            return faulty("mine", LocalSecretsManagerConfig(), home=tmp_path)

        @pytest.fixture
        def another(self, manager: SecretsManager) -> Callable[[], SecretsManager]:
            return lambda: faulty("mine", manager.config, home=manager.home)

    return InMemory


VALUES = {"user": "canary-anna", "password": "canary-value-6283"}


class InVariables(SecretsManagerContract):
    """The contract on the manager that reads variables, one for each key."""

    @pytest.fixture
    def manager(self, tmp_path: Path) -> SecretsManager:
        return EnvSecretsManager("mine", EnvSecretsManagerConfig(), home=tmp_path)

    @pytest.fixture
    def kept(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str | None, Mapping[str, str]]:
        monkeypatch.setenv("DOVETAIL_SECRET_KEPT_USER", VALUES["user"])
        monkeypatch.setenv("DOVETAIL_SECRET_KEPT__PASSWORD", VALUES["password"])
        monkeypatch.setenv("DOVETAIL_SECRET_OTHER_TOKEN", "another")
        monkeypatch.setenv("DOVETAIL_SECRET__NAMELESS", "no secret")
        return "kept", None, VALUES


class InADocument(InVariables):
    """The contract on the manager that reads one variable with all secrets."""

    @pytest.fixture
    def kept(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str | None, Mapping[str, str]]:
        monkeypatch.setenv("DOVETAIL_SECRETS", json.dumps({"kept-safe": VALUES, "other": {"key": "value"}}))
        return "kept-safe", None, VALUES


FAULTS = Faults(kit, SecretsManagerContract)
CORRECT = SimpleNamespace(
    local=kit(LocalSecretsManager), kept=kit(Kept), variables=InVariables, document=InADocument
)


@FAULTS.plant(1)
class StripsItsTexts(Kept):
    """White space around a value is lost."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        return {key: value.strip() for key, value in super().get(name, scope=scope).items()}


@FAULTS.plant(1, dependents={3, 5, 6})
class MissingIsEmpty(Kept):
    """A secret that is not there has no keys."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        check_name("secret", name)
        return dict(self.place.get((scope, name), {}))


@FAULTS.plant(2, modelled_on="https://github.com/zenml-io/zenml/pull/1057")
class ListsOnePage(Kept):
    """Only the first page of names is listed."""

    def names(self, *, scope: str | None = None) -> list[str]:
        return super().names(scope=scope)[:100]


@FAULTS.plant(3, modelled_on="https://github.com/prefect-archive/prefect-snowflake/issues/21")
class TellsWhatItKnows(Kept):
    """An error shows what is kept instead."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        try:
            return super().get(name, scope=scope)
        except NotFoundError as error:
            raise NotFoundError(f"{error.message}, only {self.place}", hint=error.hint) from None


@FAULTS.plant(3)
class WritesItDown(Kept):
    """A value stands in a file of the home."""

    def put(self, name: str, values: Mapping[str, str], **options: Any) -> None:
        super().put(name, values, **options)
        (self.home / "log.txt").write_text(str(values))


@FAULTS.plant(4)
class AddsToWhatIsThere(Kept):
    """Keys that a new secret does not have stay from the old one."""

    def put(
        self, name: str, values: Mapping[str, str], *, scope: str | None = None, schema: str | None = None
    ) -> None:
        super().put(name, {**self.place.get((scope, name), {}), **values}, scope=scope)


@FAULTS.plant(5, modelled_on="https://github.com/jaraco/keyring/issues/323")
class DeletesOnce(Kept):
    """Deleting what is not there is an error."""

    def delete(self, name: str, *, scope: str | None = None) -> None:
        self.get(name, scope=scope)
        super().delete(name, scope=scope)


@FAULTS.plant(6, dependents={1, 2})
class KnowsNoScopes(Kept):
    """A secret of one scope is given out for every other."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        found = [values for (_, kept), values in self.place.items() if kept == name]
        return dict(found[0]) if found else super().get(name, scope=scope)


@FAULTS.plant(6, modelled_on="https://github.com/jaraco/keyring/issues/123")
class DeletesNamesakes(Kept):
    """With a secret go those of its name in every scope."""

    def delete(self, name: str, *, scope: str | None = None) -> None:
        check_name("secret", name)
        for each in [each for each in self.place if each[1] == name]:
            del self.place[each]


@FAULTS.plant(1)
class NamesNoScope(Kept):
    """The error leaves out which scope was looked into."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        try:
            return super().get(name, scope=scope)
        except NotFoundError as error:
            raise NotFoundError(f"no secret {name!r}", hint=error.hint) from None


@FAULTS.plant(2)
class ListsAsTheyCame(Kept):
    """Names are listed in the order in which they were put."""

    def names(self, *, scope: str | None = None) -> list[str]:
        return [name for kept, name in list(self.place) if kept == scope]


@FAULTS.plant(3, modelled_on="https://github.com/scaleway/python-scaleway/issues/48")
class LogsItsAnswers(Kept):
    """At level DEBUG what is read is logged as it is."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        found = super().get(name, scope=scope)
        logging.getLogger("service").debug("answer: %s", found)
        return found


@FAULTS.plant(3)
class ShowsItself(Kept):
    """The representation has what is kept."""

    def __repr__(self) -> str:
        return f"Kept({self.place})"


@FAULTS.plant(4, modelled_on="https://github.com/pikkujs/pikku/issues/964")
class RemembersWhatItRead(Kept):
    """What another process puts is not seen by one that has read the secret before."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        read = self.__dict__.setdefault("read", {})
        if (scope, name) not in read:
            read[scope, name] = super().get(name, scope=scope)
        return dict(read[scope, name])

    def put(self, name: str, values: Mapping[str, str], *, scope: str | None = None, **options: Any) -> None:
        self.__dict__.setdefault("read", {}).pop((scope, name), None)
        super().put(name, values, scope=scope, **options)

    def delete(self, name: str, *, scope: str | None = None) -> None:
        self.__dict__.setdefault("read", {}).pop((scope, name), None)
        super().delete(name, scope=scope)


@FAULTS.plant(4)
class LooksTooLate(Kept):
    """A secret that cannot be put whole is put in part."""

    def put(self, name: str, values: Mapping[str, str], *, scope: str | None = None, **options: Any) -> None:
        for number in range(len(values)):
            super().put(name, dict(list(values.items())[: number + 1]), scope=scope, **options)


@FAULTS.plant(4)
class WritesKeyByKey(Kept):
    """Of two writers at once each leaves some of its keys."""

    def put(self, name: str, values: Mapping[str, str], *, scope: str | None = None, **options: Any) -> None:
        old = dict(self.place.get((scope, name), {}))
        super().put(name, values, scope=scope, **options)
        self.place[scope, name] = mixed = old
        for key in old.keys() - values.keys():
            del mixed[key]
        for key, value in values.items():
            self.place[scope, name][key] = value
            time.sleep(random.uniform(0.0, 0.02))


@FAULTS.plant(5, modelled_on="https://github.com/hashicorp/terraform-provider-aws/issues/10259")
class KeepsTheNamesOfTheDeleted(Kept):
    """A name that was deleted cannot be put again."""

    def put(self, name: str, values: Mapping[str, str], *, scope: str | None = None, **options: Any) -> None:
        if (scope, f"{name} deleted") in self.place:
            raise StoreError(f"{name!r} is scheduled for deletion", hint="wait for 30 days")
        super().put(name, values, scope=scope, **options)

    def names(self, *, scope: str | None = None) -> list[str]:
        return [each for each in super().names(scope=scope) if " " not in each]

    def delete(self, name: str, *, scope: str | None = None) -> None:
        check_name("secret", name)
        if self.place.pop((scope, name), None) is not None:
            self.place[scope, f"{name} deleted"] = {}


@FAULTS.plant(5, dependents={6}, modelled_on="https://github.com/localstack/localstack/issues/11635")
class ListsTheDeleted(Kept):
    """What was deleted is still listed."""

    def names(self, *, scope: str | None = None) -> list[str]:
        return sorted(name.removesuffix(" deleted") for name in super().names(scope=scope))

    def delete(self, name: str, *, scope: str | None = None) -> None:
        check_name("secret", name)
        if self.place.pop((scope, name), None) is not None:
            self.place[scope, f"{name} deleted"] = {}


@FAULTS.plant(6)
class HasNoCapitals(Kept):
    """Names that differ in case are one secret."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        return super().get(name.lower(), scope=scope)

    def put(self, name: str, values: Mapping[str, str], **options: Any) -> None:
        super().put(name.lower(), values, **options)

    def delete(self, name: str, *, scope: str | None = None) -> None:
        super().delete(name.lower(), scope=scope)


@FAULTS.plant(6)
class FallsBackToAll(Kept):
    """What a scope does not have is taken from the one that all share."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        known = (scope, name) in self.place or (None, name) not in self.place
        return super().get(name, scope=scope if known else None)


@FAULTS.plant(7, modelled_on="https://github.com/swamp-club/swamp/issues/324")
class TakesAnyName(Kept):
    """A name is used as it comes."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        return super().get(name.replace("/", "_").strip(".") or "all", scope=scope)

"""Faults of secrets managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.local_secrets_manager import LocalSecretsManager, LocalSecretsManagerConfig
from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import NotFoundError
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
        if not all(isinstance(value, str) for value in values.values()):
            raise TypeError("a value of a secret is a text")
        self.place[scope, name] = dict(values)

    def delete(self, name: str, *, scope: str | None = None) -> None:
        """Forget a secret."""
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


FAULTS = Faults(kit, SecretsManagerContract)
CORRECT = SimpleNamespace(local=kit(LocalSecretsManager), kept=kit(Kept))


@FAULTS.plant(1)
class StripsItsTexts(Kept):
    """White space around a value is lost."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        return {key: value.strip() for key, value in super().get(name, scope=scope).items()}


@FAULTS.plant(1, dependents={3, 5, 6})
class MissingIsEmpty(Kept):
    """A secret that is not there has no keys."""

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
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
        for each in [each for each in self.place if each[1] == name]:
            del self.place[each]

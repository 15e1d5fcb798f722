"""What is said of a secret that is in none of the scopes: a near name of any of them, or how to make it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dovetail.components.component import ComponentConfig
from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import NotFoundError, StoreError
from dovetail.secrets import SecretReference
from dovetail.stacks.secret_lookup import SecretLookup, scopes


class Kept(SecretsManager):
    """Knows secrets by scope and name; `said` is its hint where one is missing."""

    config_class = ComponentConfig
    writes = True
    said: str | None = None
    lists = True

    def __init__(self, **names: str) -> None:
        super().__init__("kept", ComponentConfig(), home=Path())
        self.known = {(scope.replace("_", ":"), name) for scope, name in names.items()}
        self.listed = 0

    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        if (scope or "global", name) not in self.known:
            raise NotFoundError(f"there is no secret {name!r}", hint=self.said)
        return {"token": "confidential"}

    def names(self, *, scope: str | None = None) -> list[str]:
        self.listed += 1
        if not self.lists:
            raise StoreError("listing is not allowed")
        return sorted(name for place, name in self.known if place == (scope or "global"))


def hint_of(manager: Kept, name: str = "api") -> str | None:
    with pytest.raises(NotFoundError, match=f"there is no secret '{name}'") as caught:
        SecretLookup(lambda: manager, scopes("default", "training"))(SecretReference(name, "token"))
    return caught.value.hint


def test_the_hint_names_the_key_that_was_asked_for() -> None:
    assert hint_of(Kept(**{"global": "unlike"})) == "`dovetail secret register api --key token` makes it"


@pytest.mark.parametrize("scope", ["pipeline_training", "profile_default", "global"])
def test_a_near_name_of_any_scope_is_offered(scope: str) -> None:
    assert hint_of(Kept(**{scope: "apis"})) == "did you mean 'apis'?"


def test_what_else_a_manager_says_of_a_missing_secret_stays() -> None:
    manager = Kept()
    manager.said = "`dovetail secret register api` makes it; or is the region right?"
    assert hint_of(manager) == "`dovetail secret register api --key token` makes it; or is the region right?"


def test_a_manager_that_only_reads_says_itself_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "writes", False)
    manager = Kept()
    manager.said = "set it in the environment"
    assert hint_of(manager) == manager.said


def test_a_manager_that_may_not_be_listed_gives_no_near_name() -> None:
    manager = Kept(**{"global": "apis"})
    manager.lists = False
    assert hint_of(manager) == "`dovetail secret register api --key token` makes it"


def test_names_are_asked_for_only_where_nothing_was_found() -> None:
    manager = Kept(**{"global": "api"})
    lookup = SecretLookup(lambda: manager, scopes("default", "training"))
    assert lookup(SecretReference("api", "token")) == "confidential"
    assert manager.listed == 0

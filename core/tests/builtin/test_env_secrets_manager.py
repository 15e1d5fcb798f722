"""The environment as a secrets manager keeps the contract, and splits variables into names and keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dovetail.builtin.env_secrets_manager import EnvSecretsManager, EnvSecretsManagerConfig
from dovetail.errors import ConfigurationError, NotFoundError
from dovetail.testing.secrets_manager import SecretsManagerContract


@pytest.fixture
def manager(tmp_path: Path) -> EnvSecretsManager:
    return EnvSecretsManager("env", EnvSecretsManagerConfig(), home=tmp_path)


class TestEnv(SecretsManagerContract):
    @pytest.fixture
    def manager(self, tmp_path: Path) -> EnvSecretsManager:
        return EnvSecretsManager("env", EnvSecretsManagerConfig(), home=tmp_path)

    @pytest.fixture
    def kept(self, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str | None, Mapping[str, str]]:
        values = {"user": "canary-anna", "password": "canary-value-6283"}
        for key, value in values.items():
            monkeypatch.setenv(f"DOVETAIL_SECRET_KEPT_{key.upper()}", value)
        return "kept", None, values


def test_a_name_ends_at_the_first_underscore_or_at_a_double_one(
    manager: EnvSecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_SECRET_AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("DOVETAIL_SECRET_MY_DB__PASS_WORD", "pw")
    assert manager.names() == ["aws", "my_db"]
    assert manager.get("aws") == {"access_key_id": "id"}
    assert manager.get("my-db") == {"pass_word": "pw"}


def test_one_variable_holds_names_as_they_are(
    manager: EnvSecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_SECRETS", '{"My-db": {"password": "x", "user": "y"}}')
    assert manager.names() == ["My-db"]
    assert manager.get("My-db") == {"password": "x", "user": "y"}


@pytest.mark.parametrize(
    "text", ["canary", '["canary"]', '{"a": "canary"}', '{"a": {"b": 1, "c": "canary"}}']
)
def test_what_is_no_such_object_is_refused_without_showing_it(
    manager: EnvSecretsManager, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DOVETAIL_SECRETS", text)
    with pytest.raises(ConfigurationError, match="DOVETAIL_SECRETS is no JSON object") as caught:
        manager.names()
    assert "canary" not in str(caught.value)


def test_the_hint_says_which_variable_to_set(manager: EnvSecretsManager) -> None:
    with pytest.raises(NotFoundError) as caught:
        manager.get("my-db")
    assert caught.value.hint == "set DOVETAIL_SECRET_MY_DB__KEY"

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, SecretStr, model_validator

from dovetail.components.component import ComponentConfig
from dovetail.errors import ConfigurationError
from dovetail.stacks.configuration import checked, configured, settings_of, type_text, variable


class Shelf(ComponentConfig):
    path: Path | None = None
    limit: int | None = 9
    width: int = Field(default=3, ge=1, description="Boards side by side.")
    ratio: float = 1.0
    tags: list[str] = []
    extra: dict[str, int] = {}
    kind: Literal["oak", "pine"] = "oak"
    closed: bool = False
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _narrow(self) -> Shelf:
        if self.closed and self.width > 10:
            raise ValueError("a closed shelf is at most 10 wide")
        return self


class Locked(ComponentConfig):
    host: str
    password: SecretStr


def texts(**given: str | list[str]) -> dict[str, Any]:
    lists = {key: [value] if isinstance(value, str) else value for key, value in given.items()}
    return checked(Shelf, {}, lists, what="shelf 'x'", help_command="dovetail shelf flavors oak")


@pytest.mark.parametrize(
    ("key", "text", "kept"),
    [("width", "5", 5), ("ratio", "1e-3", 0.001), ("path", "a/b", "a/b"), ("limit", "null", None),
     ("path", "null", "null"),
     ("closed", "true", True), ("closed", "off", False), ("tags", "[a, b]", ["a", "b"]),
     ("tags", ["a", "b"], ["a", "b"]), ("extra", "{a: 1}", {"a": 1}), ("kind", "pine", "pine")],
)  # fmt: skip
def test_a_text_is_read_by_the_type_of_its_setting(key: str, text: str | list[str], kept: object) -> None:
    assert texts(**{key: text}) == {key: kept}


def test_only_what_was_given_is_kept() -> None:
    assert checked(Shelf, {"width": 4}, {"kind": ["pine"]}, what="x") == {"width": 4, "kind": "pine"}


@pytest.mark.parametrize(
    ("given", "says"),
    [({"width": "many"}, "setting 'width': input should be a valid integer"),
     ({"width": "0"}, "'width': input should be greater than or equal to 1, not 0"),
     ({"kind": "ash"}, "'kind': input should be 'oak' or 'pine', not 'ash'"),
     ({"tags": "[a"}, "'tags': input should be a valid list"),
     ({"extra": "{a: b}"}, "'extra.a': input should be a valid integer"),
     ({"closed": "true", "width": "11"}, "a closed shelf is at most 10 wide"),
     ({"wdith": "1"}, "there is no setting 'wdith'")],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_is_wrong(given: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        texts(**given)
    assert raised.value.message.startswith("shelf 'x': ")
    assert says in raised.value.message


def test_every_wrong_setting_has_a_line_of_its_own() -> None:
    with pytest.raises(ConfigurationError) as raised:
        texts(wdith="1", ratio="x", kind="ash")
    assert raised.value.message.count("\n- ") == 3
    assert raised.value.hint == "did you mean 'width'?"


def test_a_wrong_value_says_where_the_settings_are_listed() -> None:
    with pytest.raises(ConfigurationError) as raised:
        texts(width="x")
    assert raised.value.hint == "`dovetail shelf flavors oak` lists the settings"


def test_a_secret_is_never_kept_and_a_reference_is() -> None:
    with pytest.raises(ConfigurationError, match="would be kept in plain text") as raised:
        texts(token="hunter2")
    assert "hunter2" not in str(raised.value)
    assert texts(token="{{ secret.shop.token }}") == {"token": "{{ secret.shop.token }}"}


def test_a_secret_may_be_left_out_until_the_component_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = checked(Locked, {}, {"host": ["h"]}, what="x")
    assert kept == {"host": "h"}
    with pytest.raises(ConfigurationError, match="'password' is missing"):
        configured(Locked, kept, "alerter", "bell")
    monkeypatch.setenv("DOVETAIL_ALERTER_BELL_PASSWORD", "hunter2")
    config: Any = configured(Locked, kept, "alerter", "bell")
    assert config.password.get_secret_value() == "hunter2"
    with pytest.raises(ConfigurationError, match="'host' is missing"):
        checked(Locked, {}, {}, what="x")


def test_a_reference_that_nobody_can_look_up_is_refused_when_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"host": "h", "password": "{{ secret.shop.token }}"}
    with pytest.raises(ConfigurationError, match="refers to a secret") as raised:
        configured(Locked, kept, "alerter", "bell")
    assert "DOVETAIL_ALERTER_BELL_PASSWORD" in str(raised.value.hint)
    monkeypatch.setenv("DOVETAIL_ALERTER_BELL_PASSWORD", "hunter2")
    assert configured(Locked, kept, "alerter", "bell")


def test_the_environment_wins_over_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_ARTIFACT_STORE_MY_SHELF_WIDTH", "7")
    config: Any = configured(Shelf, {"width": 4, "kind": "pine"}, "artifact_store", "my-shelf")
    assert (config.width, config.kind) == (7, "pine")


def test_a_wrong_value_in_the_environment_says_which_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_SHELF_LEFT_WIDTH", "0")
    with pytest.raises(ConfigurationError) as raised:
        configured(Shelf, {}, "shelf", "left")
    assert "mend DOVETAIL_SHELF_LEFT_WIDTH in the environment" in str(raised.value.hint)


def test_a_wrong_secret_in_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(ComponentConfig):
        pin: SecretStr = Field(max_length=4)

    monkeypatch.setenv(variable("alerter", "bell", "pin"), "hunter2")
    with pytest.raises(ConfigurationError, match="'pin'") as raised:
        configured(Short, {}, "alerter", "bell")
    assert "hunter2" not in str(raised.value)


def test_settings_are_described_for_people() -> None:
    found = {each["name"]: each for each in settings_of(Shelf)}
    assert found["width"] == {
        "name": "width", "type": "int", "default": "3", "required": False, "secret": False,
        "description": "Boards side by side.",
    }  # fmt: skip
    assert (found["path"]["type"], found["kind"]["type"], found["token"]["secret"]) == (
        "Path | None", "'oak' | 'pine'", True,
    )  # fmt: skip
    assert settings_of(Locked)[0]["default"] == "required"


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int | None, "int | None"),
        (Annotated[int, Field(gt=0)] | None, "int | None"),
        (tuple[Path, ...], "tuple[Path, ...]"),
        (dict[str, Literal["a", "b"] | SecretStr], "dict[str, 'a' | 'b' | SecretStr]"),
    ],
)
def test_a_type_is_written_as_people_do(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text

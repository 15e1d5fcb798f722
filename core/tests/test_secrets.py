"""References are read and found; a secret shows nothing of itself and is written nowhere."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from typing import Annotated, Any

import cloudpickle
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from dovetail.errors import ConfigurationError, UsageError
from dovetail.secrets import (
    Secret,
    SecretReference,
    filled_in,
    hidden_in,
    may_hold_secret,
    open_vault,
    references_in,
)

CANARY = "canary-of-a-secret"


@pytest.mark.parametrize("text", ["{{ secret.db.key }}", "{{secret.db.key}}", "  {{ secret.db.key }} "])
def test_a_reference_is_read_and_written(text: str) -> None:
    assert SecretReference.read(text) == SecretReference("db", "key")
    assert str(SecretReference.read(text)) == "{{ secret.db.key }}"


def test_the_last_dot_ends_the_name() -> None:
    assert SecretReference.read("{{ secret.my.db.key }}") == SecretReference("my.db", "key")


@pytest.mark.parametrize(
    "text", ["", "{{ secret.db }}", "{{ secret }}", "{{ secret.a b.c }}", "{{ secret.../x.key }}"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        SecretReference.read(text)


def test_references_are_found_and_filled_in_wherever_they_stand() -> None:
    document = {"url": "sql://{{ secret.db.user }}:{{secret.db.password}}@host", "list": [1, None, "{{ x }}"]}
    assert [str(each) for each in references_in(document)] == [
        "{{ secret.db.user }}",
        "{{ secret.db.password }}",
    ]
    filled = filled_in(document, lambda reference: reference.key.upper())
    assert filled == {"url": "sql://USER:PASSWORD@host", "list": [1, None, "{{ x }}"]}


def test_a_secret_shows_nothing_of_its_value() -> None:
    for secret in (Secret(CANARY), Secret(CANARY, SecretReference("db", "key"))):
        shown = [
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret:>90}",
            repr([secret]),
            ascii(secret),
        ]
        assert not [each for each in shown if CANARY in each]
        assert secret.reveal() == secret.get() == CANARY


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_a_secret_is_not_pickled_also_not_within_something(dumps: Any) -> None:
    for value in (Secret(CANARY), [{"a": Secret(CANARY)}]):
        with pytest.raises(UsageError, match="not written anywhere") as caught:
            dumps(value)
        assert CANARY not in str(caught.value)
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_secrets_are_equal_where_their_place_is() -> None:
    assert Secret.of("db", "key") == Secret.of("db", "key") != Secret.of("db", "other")
    assert Secret(CANARY) != Secret(CANARY)
    assert len({Secret.of("db", "key"), Secret.of("db", "key")}) == 1


def test_a_reference_has_a_value_while_a_vault_is_open() -> None:
    secret = Secret.of("db", "key")
    with pytest.raises(UsageError, match="has no value here"):
        secret.reveal()
    close = open_vault(lambda reference: f"value of {reference.name}")
    assert secret.reveal() == "value of db"
    close()
    with pytest.raises(UsageError):
        secret.reveal()


def test_as_a_field_it_is_checked_and_written_by_its_reference() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(list[Secret])
    made = adapter.validate_python(["{{ secret.db.key }}"], strict=True)
    assert made == [Secret.of("db", "key")]
    assert adapter.dump_python(made, mode="json") == ["{{ secret.db.key }}"]
    for wrong in (CANARY, Secret(CANARY), 3):
        with pytest.raises(ValidationError):
            adapter.validate_python([wrong])


@dataclass
class Holder:
    inner: object


class Model(BaseModel):
    token: Secret | None = None


@pytest.mark.parametrize(
    "wrap",
    [lambda x: x, lambda x: [x], lambda x: {"a": (x,)}, lambda x: {x: 1}, Holder, lambda x: [Holder([x])]],
)
def test_a_secret_is_found_in_containers_and_attributes(wrap: Any) -> None:
    assert hidden_in(wrap(Secret(CANARY))) is not None
    assert hidden_in(wrap("text")) is None


def test_a_loop_of_references_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert hidden_in(loop) is None


@pytest.mark.parametrize(
    "annotation", [Secret, Secret | None, list[Secret], dict[str, Secret], Annotated[Secret, 1], Model]
)
def test_types_tell_that_they_may_hold_a_secret(annotation: Any) -> None:
    assert may_hold_secret(annotation)
    assert not any(map(may_hold_secret, (int, str, list[int], dict[str, Any], Any, Holder, None)))

"""What is kept in AWS and how: names, JSON, description, pages, deleted secrets, and those of others."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from dovetail.plugin import ConfigurationError, NotFoundError, StoreError
from dovetail_aws.manager import AwsSecretsManager

pytestmark = pytest.mark.emulated
Made = Callable[..., AwsSecretsManager]
Asked = Callable[[], list[str]]


def test_a_secret_is_one_of_aws_that_others_can_read(
    manager: AwsSecretsManager, aws: Any, prefix: str
) -> None:
    values = {"username": "anna", "password": "wörd"}
    manager.put("db", values, schema="basic-auth", scope="pipeline:training")
    kept = aws.get_secret_value(SecretId=f"{prefix}/pipeline/training/db")
    assert json.loads(kept["SecretString"]) == values
    assert manager.schema("db", scope="pipeline:training") == "basic-auth"


def test_a_schema_is_replaced_together_with_the_values(manager: AwsSecretsManager, asked: Asked) -> None:
    manager.put("db", {"a": "1"}, schema="wheel/own")
    manager.put("db", {"a": "2"})
    assert manager.schema("db") == "arbitrary"
    assert asked() == ["UpdateSecret", "CreateSecret", "UpdateSecret", "DescribeSecret"]


def test_names_are_read_page_by_page_and_no_value_is(
    manager: AwsSecretsManager, asked: Asked, aws: Any, prefix: str
) -> None:
    for number in range(230):
        aws.create_secret(Name=f"{prefix}/global/{number:03}", SecretString="{}")
    assert manager.names() == [f"{number:03}" for number in range(230)]
    assert asked() == ["ListSecrets"] * 3


def test_names_are_those_of_the_scope_and_such_as_dovetail_has(
    manager: AwsSecretsManager, aws: Any, prefix: str
) -> None:
    for other in ("global/ours", "global/not+ours", "global/deeper/one", "globals/x", "profile/a/y"):
        aws.create_secret(Name=f"{prefix}/{other}", SecretString="{}")
    assert manager.names() == ["ours"]


def test_what_is_to_be_deleted_is_not_there_and_can_be_put(
    manager: AwsSecretsManager, aws: Any, prefix: str, asked: Asked
) -> None:
    manager.put("db", {"old": "1"})
    manager.delete("db")
    assert aws.describe_secret(SecretId=f"{prefix}/global/db")["DeletedDate"]
    for look in (manager.get, manager.schema):
        with pytest.raises(NotFoundError, match="was deleted and can be restored") as caught:
            look("db")
        assert "register db" in str(caught.value.hint)
    assert manager.names() == []
    manager.delete("db")
    begun = len(asked())
    manager.put("db", {"new": "2"})
    assert asked()[begun:] == ["UpdateSecret", "RestoreSecret", "UpdateSecret"]
    assert manager.get("db") == {"new": "2"}


def test_without_a_window_nothing_is_left(made: Made, aws: Any, prefix: str) -> None:
    manager = made(recovery_window=0)
    manager.put("db", {"a": "1"})
    manager.delete("db")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.describe_secret(SecretId=f"{prefix}/global/db")


@pytest.mark.parametrize(
    "content",
    [
        {"SecretString": "canary-word"},
        {"SecretString": '"canary-word"'},
        {"SecretString": '["canary-word"]'},
        {"SecretString": '{"key": {"deeper": "canary-word"}}'},
        {"SecretString": '{"key": "canary-word", "other": null}'},
        {"SecretString": '{"key": "canary-word'},
        {"SecretBinary": b"canary-word"},
        {"SecretString": "[" * 50_000 + '"canary-word"'},
    ],
)
def test_a_secret_of_others_that_is_no_object_of_texts_is_one_error(
    manager: AwsSecretsManager, aws: Any, prefix: str, content: dict[str, Any]
) -> None:
    aws.create_secret(Name=f"{prefix}/global/other", **content)
    with pytest.raises(StoreError, match=r"'other' in 'vault' is no JSON object") as caught:
        manager.get("other")
    assert f"{prefix}/global/other" in str(caught.value.hint)
    assert caught.value.__context__ is None  # errors of the JSON library hold the text
    assert "canary" not in f"{caught.value!r} {caught.value.hint}"
    assert manager.schema("other") == "arbitrary"


def test_numbers_in_a_secret_of_others_are_read_as_they_stand(
    manager: AwsSecretsManager, aws: Any, prefix: str
) -> None:
    text = '{"username": "anna", "port": 5432, "share": 0.10, "tls": true}'
    aws.create_secret(Name=f"{prefix}/global/rds", SecretString=text, Description="made by a rotation")
    assert manager.get("rds") == {"username": "anna", "port": "5432", "share": "0.10", "tls": "true"}


def test_what_is_too_large_is_refused_before_it_is_sent(manager: AwsSecretsManager, asked: Asked) -> None:
    with pytest.raises(ConfigurationError, match=r"'db' has \d+ bytes.* 65536"):
        manager.put("db", {"file": "ü" * 33_000})
    unfit: Any = {"file": b"canary"}
    with pytest.raises(ConfigurationError, match="'file' of secret 'db' is bytes, not text") as caught:
        manager.put("db", unfit)
    assert "canary" not in str(caught.value)
    assert asked() == []


def test_any_text_is_kept(manager: AwsSecretsManager) -> None:
    values = {"a": "\ud800 alone", "b": "\x00\x7f", "c": ""}
    manager.put("odd", values)
    assert manager.get("odd") == values


def test_a_key_of_kms_goes_along(made: Made, aws: Any, prefix: str) -> None:
    manager = made(kms_key_id="alias/team")
    manager.put("db", {"a": "1"})
    manager.put("db", {"a": "2"})
    assert aws.describe_secret(SecretId=f"{prefix}/global/db")["KmsKeyId"] == "alias/team"


def test_nothing_confidential_is_logged_at_any_level(
    made: Made, caplog: pytest.LogCaptureFixture, prefix: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="")
    token = "canary-of-the-token"
    manager = made(session_token=token)
    manager.put("db", {"password": "canary-of-the-value"})
    assert manager.get("db") == {"password": "canary-of-the-value"}
    with pytest.raises(NotFoundError):
        manager.get("not-there")
    assert "botocore.hooks" in {each.name for each in caplog.records}  # it is asked for all there is
    assert "canary" not in caplog.text
    logging.getLogger("botocore.endpoint").warning("of somebody else's client")
    assert "somebody else" in caplog.text


def test_a_forked_process_has_connections_of_its_own(manager: AwsSecretsManager) -> None:
    manager.put("db", {"a": "1"})
    parents = manager._client
    child = os.fork()
    if child == 0:
        os._exit(0 if manager.get("db") == {"a": "1"} and manager._client is not parents else 1)
    mine = manager.get("db")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mine == {"a": "1"}

"""Secrets in AWS from the command line, and what steps and settings get of them, the way a user meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message
from dovetail.testing.fault_proxy import FaultProxy

pytestmark = pytest.mark.emulated

PASSWORD = "canary-5f0c3a-password"
TOKEN = "canary-77aa01-token"
SECRET_KEY = "canary-90be44-secret-key"
KEYS = {
    "DOVETAIL_SECRETS_MANAGER_VAULT_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "DOVETAIL_SECRETS_MANAGER_VAULT_SECRET_ACCESS_KEY": SECRET_KEY,
}
PIPELINE = """
import os

from dovetail import Secret, pipeline, step, step_context

@step
def here(password: Secret) -> int:
    print("here with", password.reveal())
    return len(password.reveal())

@step(step_operator="apart")
def there(size: int, password: Secret) -> list[int]:
    print("there with", os.environ["TOKEN"])
    again = step_context().secret("db", "password").reveal()
    assert again == password.reveal()
    return [size, len(again), len(os.environ["TOKEN"])]

@pipeline
def confiding():
    there(here(password="{{ secret.db.password }}"), password=Secret.of("db", "password"))

if __name__ == "__main__":
    confiding.run()
"""


@pytest.fixture
def dovetail(tmp_path: Path, proxy: FaultProxy, prefix: str) -> Callable[..., Answer]:
    """Return the command line of a project whose stack keeps its secrets in AWS."""
    (tmp_path / "project").mkdir()
    commands = CommandLine(tmp_path / "project", tmp_path / "home")
    commands.write("confiding.py", PIPELINE)
    place = ("--prefix", prefix, "--endpoint_url", proxy.url, "--region", "eu-central-1", "--attempts", "1")
    apart = ("--flavor", "subprocess", "--environment", '{"TOKEN": "{{ secret.db.token }}"}')
    for each in (
        ("secrets-manager", "register", "vault", "--flavor", "aws", *place),
        ("step-operator", "register", "apart", *apart),
        (
            "stack",
            "register",
            "team",
            "-o",
            "local",
            "-a",
            "local",
            "-m",
            "sqlite",
            "-x",
            "vault",
            "-s",
            "apart",
        ),
        ("stack", "set", "team"),
    ):
        done = commands(*each)
        assert done.code == 0, done.err
    return lambda *arguments, **more: commands(*arguments, env={**KEYS, **more})


@pytest.fixture
def kept(dovetail: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return the command line once a secret is registered."""
    options = ("--from-env", "password=GIVEN", "--from-env", "token=OTHER")
    done = dovetail("secret", "register", "db", *options, GIVEN=PASSWORD, OTHER=TOKEN)
    assert done.code == 0, done.err
    assert "registered secret 'db' in 'vault': password, token" in done.out
    return dovetail


def confidential(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [each for each in (PASSWORD, TOKEN, SECRET_KEY) if each.encode() in data]


def test_secrets_are_registered_shown_changed_and_deleted(
    kept: Callable[..., Answer], aws: Any, prefix: str
) -> None:
    content = aws.get_secret_value(SecretId=f"{prefix}/global/db")["SecretString"]
    assert json.loads(content) == {"password": PASSWORD, "token": TOKEN}
    masked = kept("secret", "get", "db")
    assert masked.code == 0, masked.err
    assert confidential(masked.out + masked.err) == []
    assert kept("secret", "get", "db", "--reveal", "--json").json()["values"]["password"] == PASSWORD
    other = ("--scope", "pipeline:confiding", "--schema", "basic-auth")
    given = ("--from-env", "username=WHO", "--from-env", "password=WORD")
    assert kept("secret", "register", "web", *other, *given, WHO="anna", WORD=PASSWORD).code == 0
    listed = kept("secret", "list", "--scope", "pipeline:confiding", "--json")
    assert "basic-auth" in listed.out, listed.err
    assert_message(kept("secret", "register", "db", "--from-env", "a=A", A="new-value"), 6, "there already")
    assert (
        kept("secret", "update", "db", "--from-env", "token=T", "--remove", "password", T="new-word").code
        == 0
    )
    assert kept("secret", "get", "db", "--reveal", "--json").json()["values"] == {"token": "new-word"}
    assert kept("secret", "delete", "db", "--yes").code == 0
    assert_message(kept("secret", "get", "db"), 5, "no secret 'db'")
    assert kept("secret", "register", "db", "--from-env", "token=T", T="newest-word").code == 0
    assert kept("secret", "get", "db", "--reveal", "--json").json()["values"] == {"token": "newest-word"}


def test_a_run_gets_its_secrets_and_keeps_none(
    kept: Callable[..., Answer], tmp_path: Path, asked: Callable[[], list[str]]
) -> None:
    before = len(asked())
    ran = kept("run", "confiding.py")
    assert ran.code == 0, ran.err
    assert set(asked()[before:]) == {"GetSecretValue"}
    logs = kept("run", "logs", "last")
    assert "here with ********" in logs.out
    assert "there with ********" in logs.out
    shown = kept("run", "show", "last", "--json")
    page = kept("run", "page", "last", "-o", "run.html")
    told = "".join(each.out + each.err for each in (ran, logs, shown, page))
    assert confidential(told) == []
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert len(files) > 10
    assert [each for each in files if confidential(each.read_bytes())] == []
    values = [json.loads(each.read_text()) for each in files if each.name == "value.json"]
    assert [len(PASSWORD), len(PASSWORD), len(TOKEN)] in values


def test_a_wrong_key_is_one_message(kept: Callable[..., Answer], refuse: Callable[..., Any]) -> None:
    refuse("InvalidSignatureException", f"The signature of {SECRET_KEY} does not match")
    for command in (("run", "confiding.py"), ("secret", "list"), ("secret", "get", "db")):
        done = kept(*command)
        assert done.code != 0
        assert "the secret key of setting 'access_key_id' is wrong" in done.err
        assert "Traceback" not in done.err
        assert confidential(done.out + done.err) == []


def test_a_service_that_is_not_there_is_one_message(kept: Callable[..., Answer]) -> None:
    nowhere = ("--endpoint_url", "http://127.0.0.1:9")
    assert kept("secrets-manager", "update", "vault", *nowhere).code == 0
    assert_message(kept("secret", "get", "db"), 8, "http://127.0.0.1:9 does not answer")


def test_a_secret_key_on_the_command_line_is_refused(dovetail: Callable[..., Answer]) -> None:
    done = dovetail("secrets-manager", "register", "x", "--flavor", "aws", "--secret_access_key", "k")
    assert done.code != 0
    assert "'secret_access_key' is a secret" in done.err

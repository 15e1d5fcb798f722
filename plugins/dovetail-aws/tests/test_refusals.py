"""What is wrong has a name, and busy services are asked again. Moto takes any key: the proxy refuses it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dovetail.plugin import ConfigurationError, NotFoundError, StoreError
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_aws.manager import AwsSecretsManager

pytestmark = pytest.mark.emulated
Made = Callable[..., AwsSecretsManager]
Refuse = Callable[..., Any]
Asked = Callable[[], list[str]]
VALUES = {"password": "canary-of-the-value"}

USES: dict[str, Callable[[AwsSecretsManager], object]] = {
    "read": lambda manager: manager.get("db"),
    "look at": lambda manager: manager.schema("db"),
    "list": lambda manager: manager.names(),
    "put": lambda manager: manager.put("db", VALUES),
    "delete": lambda manager: manager.delete("db"),
}
SCOPED = "Credential should be scoped to a valid region."
ANSWERS = {
    ("UnrecognizedClientException", ""): ("access_key_id", "does not know the access key of setting"),
    ("InvalidSignatureException", "does not match"): ("'secret_access_key'", "secret key of .* is wrong"),
    ("InvalidSignatureException", SCOPED): ("--region", "is not of region 'eu-central-1'"),
    ("ExpiredTokenException", ""): ("session_token", "no longer valid"),
    ("AccessDeniedException", "User x is not authorized"): ("needs secretsmanager:", "may not do that"),
    ("AccessDeniedException", "Access to KMS is not allowed"): ("kms:Decrypt", "key of KMS"),
    ("DecryptionFailure", ""): ("kms:Decrypt", r"KMS.*\(DecryptionFailure\)"),
    ("LimitExceededException", ""): ("quotas", "quota of the account"),
    ("InvalidRequestException", "replica"): ("console", "does not allow"),
    ("ValidationException", "Value 'canary-of-the-value'"): ("documentation", "ValidationException"),
    ("TeapotBoils", ""): ("documentation", "answered TeapotBoils"),
}
PAIRS = [(*key, "put") for key in ANSWERS] + [
    (code, said, use) for code, said in list(ANSWERS)[:5] for use in USES if use != "put"
]


@pytest.mark.parametrize(("code", "said", "use"), PAIRS)
def test_a_refusal_is_one_error_that_names_the_setting(
    manager: AwsSecretsManager, refuse: Refuse, asked: Asked, code: str, said: str, use: str
) -> None:
    refuse(code, said)
    hint, message = ANSWERS[code, said]
    with pytest.raises(StoreError, match=f"'vault': cannot {use} secret.*{message}") as caught:
        USES[use](manager)
    assert hint in str(caught.value.hint)
    assert len(asked()) == (5 if code == "LimitExceededException" else 1)  # botocore takes it for a throttle
    error = caught.value
    assert error.__suppress_context__
    assert "canary" not in f"{error!r} {error.hint} {error.__cause__!r}"


def test_a_missing_right_is_named_with_its_secret(
    manager: AwsSecretsManager, refuse: Refuse, prefix: str
) -> None:
    refuse("AccessDeniedException", to="CreateSecret")
    with pytest.raises(StoreError) as caught:
        manager.put("db", VALUES, scope="pipeline:training")
    assert f"secretsmanager:CreateSecret on '{prefix}/pipeline/training/db*'" in str(caught.value.hint)


BUSY = {
    "throttled": (400, "ThrottlingException"),
    "internal": (500, "InternalServiceError"),
    "unavailable": (503, ""),
}


@pytest.mark.parametrize(
    ("answer", "use"),
    [(answer, "put") for answer in BUSY] + [("throttled", use) for use in USES if use != "put"],
)
def test_a_busy_service_is_asked_again(
    manager: AwsSecretsManager, refuse: Refuse, asked: Asked, answer: str, use: str
) -> None:
    manager.put("db", VALUES)
    before = len(asked())
    status, code = BUSY[answer]
    fault = refuse(code, status=status, times=2)
    USES[use](manager)
    assert (fault.happened, len(asked()) - before) == (2, 3)


@pytest.mark.parametrize("answer", BUSY)
def test_a_service_that_stays_busy_is_told_after_all_attempts(
    made: Made, refuse: Refuse, asked: Asked, answer: str
) -> None:
    status, code = BUSY[answer]
    refuse(code, status=status)
    with pytest.raises(StoreError, match=r"cannot read secret 'db'.*busy.*at try 3") as caught:
        made(attempts=3).get("db")
    assert "'attempts'" in str(caught.value.hint)
    assert len(asked()) == 3


@pytest.mark.parametrize(
    ("use", "sent"), [("put", None), ("put", 0), ("delete", 0), ("read", None), ("list", 0)]
)
def test_a_broken_connection_is_made_again(
    manager: AwsSecretsManager, proxy: FaultProxy, use: str, sent: int | None
) -> None:
    manager.put("db", {"old": "1"})
    fault = proxy.cut(sent=sent)
    USES[use](manager)
    assert fault.happened == 1
    if use == "put":
        assert manager.get("db") == VALUES


def test_a_secret_whose_creation_went_unheard_is_there_once(
    manager: AwsSecretsManager, proxy: FaultProxy
) -> None:
    fault = proxy.cut(sent=0, when=lambda request: request.headers["x-amz-target"].endswith("CreateSecret"))
    manager.put("db", VALUES)
    assert fault.happened == 1
    assert manager.get("db") == VALUES
    assert manager.names() == ["db"]


def test_a_secret_that_another_made_meanwhile_is_replaced(
    manager: AwsSecretsManager, refuse: Refuse, asked: Asked
) -> None:
    manager.put("db", {"of": "the other"})
    before = len(asked())
    refuse("ResourceNotFoundException", times=1, to="UpdateSecret")
    manager.put("db", VALUES)
    assert asked()[before:] == ["UpdateSecret", "CreateSecret", "UpdateSecret"]
    assert manager.get("db") == VALUES


def test_a_secret_that_aws_still_removes_is_waited_for(made: Made, refuse: Refuse) -> None:
    manager = made(recovery_window=0)
    text = "You can't create this secret because a secret with this name is already scheduled for deletion."
    creating = refuse("InvalidRequestException", text, times=2, to="CreateSecret")
    manager.put("db", VALUES)
    assert creating.happened == 2
    assert manager.get("db") == VALUES
    refuse("InvalidRequestException", text, to="UpdateSecret")
    refuse("ResourceNotFoundException", to="RestoreSecret")
    with pytest.raises(StoreError, match=r"'db'.*has not yet removed.*at try 2") as caught:
        made(attempts=2).put("db", VALUES)
    assert "again in a minute" in str(caught.value.hint)


def test_a_put_that_fails_leaves_a_deleted_secret_deleted(
    manager: AwsSecretsManager, refuse: Refuse, asked: Asked
) -> None:
    manager.put("db", {"old": "1"})
    manager.delete("db")
    before = len(asked())

    def restored(_: object) -> bool:
        return "RestoreSecret" in asked()[before:]

    fault = refuse("EncryptionFailure", to="UpdateSecret")
    fault.hits = lambda request: (
        request.headers["x-amz-target"].endswith("UpdateSecret") and restored(request)
    )
    with pytest.raises(StoreError, match="key of KMS"):
        manager.put("db", VALUES)
    assert asked()[before:] == ["UpdateSecret", "RestoreSecret", "UpdateSecret", "DeleteSecret"]
    with pytest.raises(NotFoundError):
        manager.get("db")


def test_a_secret_that_is_not_there_names_region_and_prefix(made: Made, prefix: str) -> None:
    made().put("db", VALUES)
    with pytest.raises(NotFoundError, match="no secret 'db' in 'vault'") as caught:
        made(region="us-west-2").get("db")
    assert f"'{prefix}/global/db' was looked for in us-west-2" in str(caught.value.hint)


@pytest.mark.parametrize("region", ["nowhere here", "Nowhere!"])
def test_what_is_no_region_is_told(made: Made, region: str) -> None:
    with pytest.raises(StoreError, match="names no region of AWS") as caught:
        made(region=region, endpoint_url=None).get("db")
    assert "--region" in str(caught.value.hint)


def test_without_a_region_the_setting_is_named(made: Made) -> None:
    with pytest.raises(StoreError, match="default region names no region") as caught:
        made(region=None, endpoint_url=None).get("db")
    assert "AWS_DEFAULT_REGION" in str(caught.value.hint)


def test_a_region_without_the_service_is_told_by_its_setting(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _no_such_host)
    with pytest.raises(StoreError, match="of region 'eu-nowhere-9' does not answer") as caught:
        made(region="eu-nowhere-9", endpoint_url=None, attempts=1).get("db")
    assert "setting 'region'" in str(caught.value.hint)


def _no_such_host(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_an_address_where_nobody_listens_is_told(made: Made) -> None:
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1:9 does not answer, also at try 2") as caught:
        made(endpoint_url="http://127.0.0.1:9", attempts=2).get("db")
    assert "'endpoint_url'" in str(caught.value.hint)


def test_a_service_that_is_silent_is_told(made: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(StoreError, match=f"{url} does not answer"):
            made(endpoint_url=url, attempts=1, read_timeout=0.2).get("db")


def test_a_certificate_that_nobody_trusts_is_told(made: Made, proxy: FaultProxy) -> None:
    with pytest.raises(StoreError, match="'db'") as caught:
        made(endpoint_url=proxy.url.replace("http:", "https:"), attempts=1).get("db")
    assert "endpoint_url" in str(caught.value.hint)


def test_without_any_keys_the_settings_are_named(made: Made, asked: Asked) -> None:
    with pytest.raises(StoreError, match="no keys were found") as caught:
        made(access_key_id=None, secret_access_key=None).get("db")
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)
    assert asked() == []


def test_a_profile_that_is_not_there_is_named(made: Made) -> None:
    with pytest.raises(StoreError, match="no profile 'research'") as caught:
        made(access_key_id=None, secret_access_key=None, profile="research").get("db")
    assert "--profile" in str(caught.value.hint)


def test_a_profile_says_who_asks_and_where(made: Made, tmp_path: Path, proxy: FaultProxy) -> None:
    (tmp_path / "aws-config").write_text("[profile research]\nregion = eu-north-1\n")
    (tmp_path / "aws-credentials").write_text(
        "[research]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = word\n"
    )
    made(access_key_id=None, secret_access_key=None, region=None, profile="research").put("db", VALUES)
    assert "AKIAPROFILE" in proxy.requests[0].headers["authorization"]
    assert "/eu-north-1/" in proxy.requests[0].headers["authorization"]


def test_the_default_chain_is_asked_without_keys(
    made: Made, monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made(access_key_id=None, secret_access_key=None, region=None).put("db", VALUES)
    assert "AKIACHAIN" in proxy.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"secret_access_key": None}, "'secret_access_key' is not"),
        ({"access_key_id": None}, "'access_key_id' is not"),
        ({"profile": "research"}, "'profile' and 'access_key_id'"),
        (
            {"access_key_id": None, "secret_access_key": None, "session_token": SecretStr("x")},
            "'session_token' is given",
        ),
    ],
)
def test_halves_of_an_identity_are_refused(made: Made, settings: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        made(**settings).get("db")

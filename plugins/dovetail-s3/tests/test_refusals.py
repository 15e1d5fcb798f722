"""What is wrong has a name: bucket, key, region, address, right. Moto takes any key: the proxy refuses it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from dovetail.plugin import ConfigurationError, StoreError
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.store import S3ArtifactStore

pytestmark = pytest.mark.emulated
Made = Callable[..., S3ArtifactStore]


def error(code: str, inside: str = "") -> bytes:
    return f"<Error><Code>{code}</Code><Message>said there</Message>{inside}</Error>".encode()


USES: dict[str, Callable[[S3ArtifactStore], object]] = {
    "write": lambda store: store.put("a/b", b"1"),
    "read": lambda store: store.get("a/b"),
    "look": lambda store: store.size("a/b"),
    "list": lambda store: list(store.entries()),
    "delete": lambda store: store.delete("a/b"),
}
ANSWERS = {
    "InvalidAccessKeyId": (403, "", "access_key_id", "does not know the access key"),
    "SignatureDoesNotMatch": (403, "", "secret_access_key", "the secret key of .* is wrong"),
    "ExpiredToken": (400, "", "session_token", "no longer valid"),
    "AccessDenied": (403, "", "s3:PutObject", "may not do that"),
    "RequestTimeTooSkewed": (403, "", "clock", "clock of this machine"),
    "PermanentRedirect": (301, "", "region", "is in another region, and setting 'region' is 'us-east-1'"),
    "AuthorizationHeaderMalformed": (400, "<Region>eu-west-1</Region>", "eu-west-1", "region 'eu-west-1'"),
    "NotImplemented": (501, "", "conditional-writes", "cannot do that"),
    "InvalidBucketName": (400, "", "url", "no name of a bucket"),
    "QuotaExceeded": (403, "", "free space", "no space left"),
    "TeapotBoils": (418, "", "documentation", "answered TeapotBoils"),
}


# To look (HEAD) a service answers without words: those that are met first are tried with every use.
PAIRS = [(code, "write") for code in ANSWERS] + [
    (code, use) for code in ("SignatureDoesNotMatch", "PermanentRedirect") for use in USES if use != "write"
]


@pytest.mark.parametrize(("code", "use"), PAIRS)
def test_a_refusal_names_the_setting(made: Made, proxy: FaultProxy, code: str, use: str) -> None:
    status, inside, hint, message = ANSWERS[code]
    proxy.answer(status, body=error(code, inside), times=99)
    with pytest.raises(StoreError, match=message) as caught:
        USES[use](made(attempts=1))
    assert hint in str(caught.value.hint)
    assert "lake" in caught.value.message
    assert proxy.count() < 5
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("use", USES)
def test_a_missing_bucket_is_told_by_every_use(made: Made, use: str) -> None:
    with pytest.raises(StoreError, match="there is no bucket 'no-such-bucket'") as caught:
        USES[use](made(url="s3://no-such-bucket/team"))
    assert "'url'" in str(caught.value.hint)


def test_a_missing_object_is_looked_for_with_one_request_once_the_bucket_was_seen(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    assert store.size("a/none") is None
    assert proxy.count() == 2
    assert store.size("a/none") is None
    assert proxy.count() == 3


@pytest.mark.parametrize("use", USES)
def test_nobody_listening_is_told_with_the_address(made: Made, use: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StoreError, match=f"{url} does not answer") as caught:
            USES[use](made(endpoint_url=url, attempts=1))
    assert "'endpoint_url'" in str(caught.value.hint)


def test_the_region_that_the_service_names_is_in_the_advice(made: Made, proxy: FaultProxy) -> None:
    headers = {"x-amz-bucket-region": "eu-north-1"}
    proxy.answer(301, body=error("PermanentRedirect"), headers=headers, times=99)
    with pytest.raises(StoreError, match="is in region 'eu-north-1'") as caught:
        made(region=None, attempts=1).put("a/b", b"")
    assert "update lake --region eu-north-1" in str(caught.value.hint)


def test_no_keys_anywhere_is_told_with_all_places_for_them(made: Made) -> None:
    with pytest.raises(StoreError, match="no keys were found") as caught:
        made(access_key_id=None, secret_access_key=None).put("a/b", b"")
    assert all(
        each in str(caught.value.hint) for each in ("'access_key_id'", "'profile'", "AWS_ACCESS_KEY_ID")
    )


def test_a_profile_that_is_not_there_is_told(made: Made) -> None:
    with pytest.raises(StoreError, match="there is no profile 'research'") as caught:
        made(access_key_id=None, secret_access_key=None, profile="research").put("a/b", b"")
    assert "'profile'" in str(caught.value.hint)


def test_a_profile_gives_keys_and_region_and_is_blamed_for_them(
    made: Made, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "aws-config").write_text("[profile research]\nregion = eu-west-3\n")
    keys = "[research]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n"
    (tmp_path / "aws-credentials").write_text(keys)
    store = made(access_key_id=None, secret_access_key=None, region=None, profile="research")
    store.put("a/b", b"1")
    assert "AKIAPROFILE" in proxy.requests[0].headers["authorization"]
    assert "/eu-west-3/s3" in proxy.requests[0].headers["authorization"]
    proxy.answer(403, body=error("SignatureDoesNotMatch"), times=9)
    with pytest.raises(StoreError, match="secret key of profile 'research' is wrong") as caught:
        store.get("a/b")
    assert "profile 'research'" in str(caught.value.hint)


def test_the_default_chain_is_asked_without_settings(
    made: Made, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    store = made(access_key_id=None, secret_access_key=None, region=None)
    store.put("a/b", b"1")
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
        made(**settings).put("a/b", b"")


def test_a_certificate_that_nobody_trusts_is_told(made: Made, proxy: FaultProxy) -> None:
    with pytest.raises(StoreError, match="'a/b'") as caught:
        made(endpoint_url=proxy.url.replace("http:", "https:"), attempts=1).put("a/b", b"")
    assert "endpoint_url" in str(caught.value.hint)

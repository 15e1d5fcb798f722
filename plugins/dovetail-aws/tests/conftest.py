"""AWS Secrets Manager as moto emulates it, a proxy before it that plays faults, a prefix for each test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import SecretStr

from dovetail.testing.fault_proxy import FaultProxy, Request
from dovetail_aws.manager import AwsSecretsManager
from dovetail_aws.settings import AwsSecretsManagerConfig
from real_servers.aws_identity import forget_identity
from real_servers.s3 import s3_server


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep whoever runs the tests out of them."""
    forget_identity(monkeypatch, tmp_path)


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """Return where moto listens: to everything of AWS, whatever it is asked for first."""
    with s3_server() as running:
        yield running.url


@pytest.fixture(scope="session")
def listening(service: str) -> Iterator[FaultProxy]:
    with FaultProxy(service) as proxy:
        yield proxy


@pytest.fixture
def proxy(listening: FaultProxy) -> FaultProxy:
    """Return the proxy, with no fault and nothing counted."""
    listening.mend()
    return listening


@pytest.fixture
def refuse(proxy: FaultProxy) -> Callable[..., Any]:
    """Return what lets the service answer requests by an error, in the form that AWS documents."""

    def answer(code: str, message: str = "", *, status: int = 400, times: int = 99, to: str = "") -> Any:
        body = json.dumps({"__type": code, "Message": message} if code else {}).encode()
        return proxy.answer(status, body=body, times=times, when=lambda request: to in asked_of(request))

    return answer


def asked_of(request: Request) -> str:
    return request.headers.get("x-amz-target", "").removeprefix("secretsmanager.")


@pytest.fixture
def asked(proxy: FaultProxy) -> Callable[[], list[str]]:
    """Return what tells the operations that were asked for, in order."""
    return lambda: [asked_of(each) for each in proxy.requests]


@pytest.fixture
def prefix() -> str:
    """Return a prefix that no other test has."""
    return f"test-{time.monotonic_ns()}/team"


@pytest.fixture
def aws(service: str) -> Any:
    """Return a client such as others have, who do not know Dovetail."""
    keys = {"aws_access_key_id": "AKIAOTHER", "aws_secret_access_key": "other"}
    return boto3.client("secretsmanager", endpoint_url=service, region_name="eu-central-1", **keys)


@pytest.fixture
def made(prefix: str, proxy: FaultProxy, tmp_path: Path) -> Iterator[Callable[..., AwsSecretsManager]]:
    """Return what makes a manager below the prefix of the test; settings as given."""
    managers = []

    def make(**settings: Any) -> AwsSecretsManager:
        plain = {
            "prefix": prefix,
            "endpoint_url": proxy.url,
            "region": "eu-central-1",
            "access_key_id": SecretStr("AKIAEXAMPLE"),
            "secret_access_key": SecretStr("canary-of-the-secret-key"),
        }
        config = AwsSecretsManagerConfig(**{**plain, **settings})
        managers.append(AwsSecretsManager("vault", config, home=tmp_path / "unused"))
        return managers[-1]

    yield make
    for each in managers:
        each.close()


@pytest.fixture
def manager(made: Callable[..., AwsSecretsManager]) -> AwsSecretsManager:
    return made()

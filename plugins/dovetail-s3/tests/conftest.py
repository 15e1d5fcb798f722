"""S3 as moto emulates it, a proxy before it that plays faults, and a bucket for each test."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.settings import S3ArtifactStoreConfig
from dovetail_s3.store import S3ArtifactStore

# One request at a time, as S3 itself decides a condition at once: moto looks and writes in two steps.
SERVER = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
START = 60


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep whoever runs the tests out of them."""
    for name in (
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "PROFILE",
        "REGION",
        "DEFAULT_REGION",
    ):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return where moto listens."""
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], stdout=output, stderr=output)
    try:
        until = time.monotonic() + START
        while not answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def listening(s3: str) -> Iterator[FaultProxy]:
    with FaultProxy(s3) as proxy:
        yield proxy


@pytest.fixture
def proxy(listening: FaultProxy) -> FaultProxy:
    """Return the proxy, with no fault and nothing counted."""
    listening.mend()
    listening.rewritten = {}
    return listening


@pytest.fixture
def bucket(s3: str, request: pytest.FixtureRequest) -> str:
    """Return the name of a new bucket."""
    name = f"bucket-{time.monotonic_ns()}"
    connection = HTTPConnection(s3.removeprefix("http://"), timeout=10)
    connection.request("PUT", f"/{name}")
    assert connection.getresponse().status == 200
    connection.close()
    return name


@pytest.fixture
def made(bucket: str, proxy: FaultProxy, tmp_path: Path) -> Iterator[Callable[..., S3ArtifactStore]]:
    """Return what makes a store in the bucket of the test; settings as given."""
    stores = []

    def make(**settings: Any) -> S3ArtifactStore:
        plain = {
            "url": f"s3://{bucket}/team",
            "endpoint_url": proxy.url,
            "region": "us-east-1",
            "access_key_id": SecretStr("AKIAEXAMPLE"),
            "secret_access_key": SecretStr("canary-of-the-secret-key"),
            "part_size": 5,
        }
        config = S3ArtifactStoreConfig(**{**plain, **settings})
        stores.append(S3ArtifactStore("lake", config, home=tmp_path / "unused"))
        return stores[-1]

    yield make
    for each in stores:
        each.close()


@pytest.fixture
def store(made: Callable[..., S3ArtifactStore]) -> S3ArtifactStore:
    return made()

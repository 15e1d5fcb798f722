"""S3 as moto emulates it, a proxy before it that plays faults, and a bucket for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.settings import S3ArtifactStoreConfig
from dovetail_s3.store import S3ArtifactStore
from real_servers.aws_identity import forget_identity
from real_servers.s3 import S3Server, s3_server


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep whoever runs the tests out of them."""
    forget_identity(monkeypatch, tmp_path)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture(scope="session")
def listening(s3: S3Server) -> Iterator[FaultProxy]:
    with FaultProxy(s3.url) as proxy:
        yield proxy


@pytest.fixture
def proxy(listening: FaultProxy) -> FaultProxy:
    """Return the proxy, with no fault and nothing counted."""
    listening.mend()
    listening.rewritten = {}
    return listening


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """Return the name of a new bucket."""
    return s3.new_bucket()


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

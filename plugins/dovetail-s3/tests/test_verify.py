"""`dovetail integration verify` on a registered store: below a prefix of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing import verdict
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_s3.store import S3ArtifactStore

pytestmark = pytest.mark.emulated


def test_a_registered_store_keeps_the_contract_and_what_it_holds(
    made: Callable[..., S3ArtifactStore], bucket: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    store = made()
    store.put("artifacts/kept", b"here before")
    config = {
        "url": f"s3://{bucket}/team",
        "endpoint_url": proxy.url,
        "region": "us-east-1",
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "canary-of-the-secret-key",
    }
    found = verdict.of_settings("artifact_store", "there", "s3", config, tmp_path / "home", range(1, 7))
    assert [each for each in found if each.result != "passed"] == []
    assert {each.number for each in found} == set(range(1, 7))
    assert [path for path, *_ in store.entries("")] == ["artifacts/kept"]
    assert store.get("artifacts/kept") == b"here before"

"""`dovetail integration verify` on a registered registry: in repositories of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.discovery.index import load_index
from dovetail.records.stack import ComponentRecord
from dovetail.testing import verdict
from real_servers.oci_registry import PASSWORD, USER

pytestmark = pytest.mark.real


def test_a_registered_registry_keeps_the_contract(
    basic: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_CONTAINER_REGISTRY_IMAGES_PASSWORD", PASSWORD)
    flavor, _ = load_index().resolve("container_registry", "oci")
    config = {"address": f"127.0.0.1:{basic}", "username": USER}
    record = ComponentRecord(type="container_registry", name="images", flavor=flavor, config=config)
    found = verdict.of_component(record, tmp_path)
    assert {each.number: each.result for each in found} == dict.fromkeys(range(1, 8), "passed")

"""`dovetail integration verify` on a registered registry: in repositories of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing import verdict
from real_servers.oci_registry import PASSWORD, USER

pytestmark = pytest.mark.real


def test_a_registered_registry_keeps_the_contract(
    basic: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_CONTAINER_REGISTRY_IMAGES_PASSWORD", PASSWORD)
    config = {"address": f"127.0.0.1:{basic}", "username": USER}
    found = verdict.of_settings("container_registry", "images", "oci", config, tmp_path)
    assert [each for each in found if each.result != "passed"] == []
    assert {each.number for each in found} == set(range(1, 8))

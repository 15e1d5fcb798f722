"""`dovetail integration verify` on a registered manager: below a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing import verdict
from dovetail.testing.fault_proxy import FaultProxy
from dovetail_aws.manager import AwsSecretsManager

pytestmark = pytest.mark.emulated


def test_a_registered_manager_keeps_the_contract_and_what_it_holds(
    manager: AwsSecretsManager, prefix: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    manager.put("kept", {"password": "here before"})
    config = {
        "prefix": prefix,
        "endpoint_url": proxy.url,
        "region": "eu-central-1",
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "canary-of-the-secret-key",
    }
    found = verdict.of_settings("secrets_manager", "there", "aws", config, tmp_path / "home")
    assert [each for each in found if each.result == "failed"] == []
    assert {each.number for each in found if each.result == "passed"} >= {1, 2, 3}
    assert manager.names() == ["kept"]
    assert dict(manager.get("kept")) == {"password": "here before"}

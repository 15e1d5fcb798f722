"""`dovetail integration verify` on a registered store: in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.discovery.index import load_index
from dovetail.records.stack import ComponentRecord
from dovetail.testing import verdict
from real_servers.sshd import SshServer

pytestmark = pytest.mark.real


def test_a_registered_store_keeps_the_contract_and_what_it_holds(server: SshServer, tmp_path: Path) -> None:
    kept = tmp_path / "artifacts" / "kept"
    kept.parent.mkdir()
    kept.write_text("here before")
    flavor, _ = load_index().resolve("artifact_store", "sftp")
    config = {
        "url": server.url(kept.parent),
        "private_key": str(server.key),
        "known_hosts": str(server.known_hosts),
    }
    record = ComponentRecord(type="artifact_store", name="there", flavor=flavor, config=config)
    found = verdict.of_component(record, tmp_path / "home", numbers=range(1, 7))
    assert {each.number: each.result for each in found} == dict.fromkeys(range(1, 7), "passed")
    assert [each for each in kept.parent.rglob("*") if each.is_file()] == [kept]

"""`dovetail integration verify` on a registered store: in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing import verdict
from real_servers.sshd import SshServer

pytestmark = pytest.mark.real


def test_a_registered_store_keeps_the_contract_and_what_it_holds(server: SshServer, tmp_path: Path) -> None:
    kept = tmp_path / "artifacts" / "kept"
    kept.parent.mkdir()
    kept.write_text("here before")
    config = {
        "url": server.url(kept.parent),
        "private_key": str(server.key),
        "known_hosts": str(server.known_hosts),
    }
    found = verdict.of_settings(
        "artifact_store", "there", "sftp", config, tmp_path / "home", numbers=range(1, 7)
    )
    assert [each for each in found if each.result != "passed"] == []
    assert {each.number for each in found} == set(range(1, 7))
    assert [each for each in kept.parent.rglob("*") if each.is_file()] == [kept]

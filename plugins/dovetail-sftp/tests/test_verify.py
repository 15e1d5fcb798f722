"""`dovetail integration verify` on a registered store: in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing import verdict
from dovetail.testing.command_line import CommandLine, assert_message
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
    assert list(kept.parent.rglob("*")) == [kept]


def test_settings_that_refer_to_secrets_are_looked_up(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    cli = CommandLine(tmp_path, tmp_path / "home")
    assert cli("init", "--bare").code == 0
    register = ("secret", "register", "ssh", "--from-env", "pass=PASSPHRASE")
    told = cli(*register, env={"PASSPHRASE": "correct horse"})
    assert told.code == 0, told.err
    words = {
        "url": server.url(folder),
        "private-key": str(server.folder / "locked_key"),
        "known-hosts": str(server.known_hosts),
        "passphrase": "{{ secret.ssh.pass }}",
    }
    settings = [word for key, value in words.items() for word in (f"--{key}", value)]
    made = cli("artifact-store", "register", "far", "--flavor", "sftp", *settings)
    assert made.code == 0, made.err
    found = cli("integration", "verify", "sftp", "--component", "far", "--json", timeout=600)
    assert [each for each in found.json() if each["result"] == "failed"] == []
    assert "correct horse" not in found.out + found.err
    assert list(folder.rglob("*")) == []
    assert cli("secret", "delete", "ssh", "--yes").code == 0
    gone = cli("integration", "verify", "sftp", "--component", "far")
    assert_message(gone, 5, "there is no secret 'ssh'")

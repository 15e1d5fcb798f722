"""Sealed files: the contract, their modes, what is refused of them, and where their key is."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dovetail.builtin.local_secrets_manager import LocalSecretsManager, LocalSecretsManagerConfig
from dovetail.builtin.secret_key import HEADER
from dovetail.errors import ConfigurationError, IntegrationError, NotFoundError, StoreError
from dovetail.testing.secrets_manager import SecretsManagerContract

CANARY = "canary-of-the-local-manager"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., LocalSecretsManager]:
    def made(**settings: Any) -> LocalSecretsManager:
        return LocalSecretsManager("local", LocalSecretsManagerConfig(**settings), home=tmp_path / "store")

    return made


class TestLocal(SecretsManagerContract):
    @pytest.fixture
    def manager(self, make: Callable[..., LocalSecretsManager]) -> LocalSecretsManager:
        return make()


class TestLocalWithAPassphrase(SecretsManagerContract):
    @pytest.fixture
    def manager(
        self, make: Callable[..., LocalSecretsManager], monkeypatch: pytest.MonkeyPatch
    ) -> LocalSecretsManager:
        monkeypatch.setattr("dovetail.builtin.sealing._COST", {"n": 2, "r": 8, "p": 1})
        return make(passphrase=SecretStr("correct horse"))


def files(manager: LocalSecretsManager) -> list[Path]:
    return sorted(manager.place.glob("*.secret"))


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277, 0o777])
def test_g13_files_of_secrets_are_0600_in_directories_0700_whatever_the_umask(
    make: Callable[..., LocalSecretsManager], tmp_path: Path, umask: int
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "home").mkdir()
    before = os.umask(umask)
    try:
        make().put("db", {"password": CANARY})
    finally:
        os.umask(before)
    places = [tmp_path / "store" / "secrets", tmp_path / "home" / "keys"]
    assert [stat.S_IMODE(each.stat().st_mode) for each in places] == [0o700, 0o700]
    kept = [each for place in places for each in place.iterdir()]
    assert len(kept) == 3
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept} == {0o600}
    assert make().get("db") == {"password": CANARY}


def test_g13_a_flipped_bit_anywhere_in_a_sealed_secret_is_refused(
    make: Callable[..., LocalSecretsManager],
) -> None:
    make().put("db", {"password": CANARY}, schema="arbitrary", scope="profile:default")
    (file,) = files(make())
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StoreError) as caught:
            make().get("db", scope="profile:default")
        assert CANARY not in str(caught.value)


def test_g13_two_secrets_whose_files_are_swapped_are_refused(
    make: Callable[..., LocalSecretsManager],
) -> None:
    make().put("one", {"key": "1111"})
    make().put("two", {"key": "2222"})
    first, second = files(make())
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    for name in ("one", "two"):
        with pytest.raises(StoreError, match=f"secret '{name}' was changed from outside"):
            make().get(name)
    with pytest.raises(StoreError, match="belongs elsewhere"):
        make().names()


def test_g13_a_secret_that_is_given_another_name_or_schema_is_refused(
    make: Callable[..., LocalSecretsManager],
) -> None:
    make().put("db", {"key": "value"})
    (file,) = files(make())
    document = json.loads(file.read_bytes())
    file.write_text(json.dumps({**document, "schema": "aws"}))
    with pytest.raises(StoreError, match="changed from outside"):
        make().get("db")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format": 1, "name": "../x"}'])
def test_a_file_that_is_none_of_ours_is_named(
    make: Callable[..., LocalSecretsManager], content: bytes
) -> None:
    make().put("db", {"key": "value"})
    (file,) = files(make())
    file.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        make().get("db")
    assert file.name in str(caught.value)


def test_a_damaged_file_is_in_the_way_of_no_other_secret(make: Callable[..., LocalSecretsManager]) -> None:
    make().put("db", {"key": "value"})
    (file,) = files(make())
    file.write_bytes(b"rubbish")
    make().put("mail", {"key": "value"})
    assert make().get("mail") == {"key": "value"}
    with pytest.raises(NotFoundError, match="no secret 'mail' of scope 'profile:default'"):
        make().get("mail", scope="profile:default")


def test_a_newer_format_is_refused(make: Callable[..., LocalSecretsManager]) -> None:
    make().put("db", {"key": "value"})
    (file,) = files(make())
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "format": 2}))
    with pytest.raises(StoreError, match="newer version"):
        make().get("db")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda file: file.unlink(), "is not there"),
        (lambda file: file.write_text("x"), "is no key"),
        (lambda file: file.write_text("00" * 32), "is not that of the secrets"),
        (lambda file: file.chmod(0o640), "may be read by others: its mode is 0640"),
    ],
)
def test_g13_a_wrong_key_is_one_clear_error(
    make: Callable[..., LocalSecretsManager], tmp_path: Path, damage: Callable[[Path], None], expected: str
) -> None:
    make().put("db", {"key": CANARY})
    (key,) = (tmp_path / "home" / "keys").iterdir()
    damage(key)
    for attempt in (lambda: make().get("db"), lambda: make().put("new", {"key": "value"})):
        with pytest.raises(StoreError, match=expected) as caught:
            attempt()
        assert caught.value.hint
    assert make().names() == ["db"]


def test_without_its_header_a_store_is_refused_and_not_begun_anew(
    make: Callable[..., LocalSecretsManager],
) -> None:
    make().put("db", {"key": "value"})
    (make().place / HEADER).unlink()
    for attempt in (lambda: make().get("db"), lambda: make().put("new", {"key": "value"})):
        with pytest.raises(StoreError, match=f"no {HEADER}"):
            attempt()


def test_a_passphrase_is_asked_for_and_checked(make: Callable[..., LocalSecretsManager]) -> None:
    make(passphrase="correct horse").put("db", {"key": "value"})
    assert make(passphrase="correct horse").get("db") == {"key": "value"}
    with pytest.raises(StoreError, match="the passphrase is not that of the secrets"):
        make(passphrase="wrong").get("db")
    with pytest.raises(ConfigurationError) as caught:
        make().get("db")
    assert "DOVETAIL_SECRETS_MANAGER_LOCAL_PASSPHRASE" in str(caught.value)


def test_a_store_keeps_the_way_of_its_key(make: Callable[..., LocalSecretsManager]) -> None:
    make().put("db", {"key": "value"})
    with pytest.raises(ConfigurationError, match="by 'file', not by 'passphrase'"):
        make(key="passphrase", passphrase="x").get("db")


class Keyring:
    """Stands for the package: what it kept, and whether it is locked."""

    priority = 5

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_keyring(self) -> Keyring:
        return self

    def set_password(self, service: str, name: str, value: str) -> None:
        self.kept[service, name] = value

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise RuntimeError("it is locked")
        return self.kept.get((service, name))


def test_where_there_is_a_keyring_it_keeps_the_key(
    make: Callable[..., LocalSecretsManager], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    make().put("db", {"key": "value"})
    assert make().get("db") == {"key": "value"}
    assert len(keyring.kept) == 1
    assert not (tmp_path / "home" / "keys").exists()
    keyring.locked = True
    with pytest.raises(StoreError, match="it is locked"):
        make().get("db")
    keyring.locked = False
    keyring.kept.clear()
    with pytest.raises(StoreError, match="the keyring has no key"):
        make().get("db")


def test_a_keyring_that_does_not_work_is_passed_over(
    make: Callable[..., LocalSecretsManager], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyring = Keyring()
    keyring.locked = True
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    make().put("db", {"key": "value"})
    assert len(list((tmp_path / "home" / "keys").iterdir())) == 1


def test_writers_of_a_fresh_store_agree_on_its_key(
    make: Callable[..., LocalSecretsManager], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: make().put(f"name-{number}", {"key": "value"}), range(32)))
    assert [make().get(name) for name in make().names()] == [{"key": "value"}] * 32
    assert len(list((tmp_path / "home" / "keys").iterdir())) == 1
    assert not list(tmp_path.rglob("*.partial"))


def test_processes_write_at_once_and_lose_nothing(
    make: Callable[..., LocalSecretsManager], tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from dovetail.builtin.local_secrets_manager import *\n"
        "for number in range(10):\n"
        "    made = LocalSecretsManager('local', LocalSecretsManagerConfig(), home=Path(sys.argv[1]))\n"
        "    made.put(f'{sys.argv[2]}-{number}', {'key': sys.argv[2]})\n"
        "    made.put('shared', {'one': sys.argv[2], 'two': sys.argv[2]})\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "store"), f"p{each}"])
        for each in range(4)
    ]
    assert [each.wait(60) for each in started] == [0] * 4
    assert len(make().names()) == 41
    shared = make().get("shared")
    assert shared["one"] == shared["two"]


def test_without_the_package_that_seals_the_message_says_what_to_install(
    make: Callable[..., LocalSecretsManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, each)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(IntegrationError) as caught:
        make().put("db", {"key": CANARY})
    assert caught.value.hint == "pip install 'dovetail[secrets]'"
    assert files(make()) == []


def test_nothing_that_seals_is_imported_before_a_secret_is_read_or_written() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from dovetail.builtin.local_secrets_manager import *\n"
        "made = LocalSecretsManager('local', LocalSecretsManagerConfig(), home=Path('nowhere'))\n"
        "assert made.names() == []\n"
        "assert not {'cryptography', 'keyring'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

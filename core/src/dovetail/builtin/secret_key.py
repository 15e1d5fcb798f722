"""The key of a store of sealed secrets, and where it is kept: the keyring, a file, or a person's memory."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from dovetail.builtin.private_file import check_private, create, read
from dovetail.builtin.sealing import KEY_SIZE, derived, fingerprint, new_cost
from dovetail.plugin import (
    ConfigurationError,
    StoreError,
    canonical_json,
    home_directory,
    load,
    new_id,
)

Way = Literal["auto", "file", "keyring", "passphrase"]
HEADER = "vault.json"
_SERVICE = "dovetail"


class KeySetting(NamedTuple):
    """What the configuration says of the key; `variable` is where a passphrase can be given."""

    way: Way
    file: str | None
    passphrase: str | None
    variable: str


class VaultKey(NamedTuple):
    """The key, and the id of the store that it belongs to."""

    vault: str
    key: bytes


def open_key(place: Path, setting: KeySetting, *, make: bool) -> VaultKey | None:
    """Return the key of the store at `place`; None where there is no store and none is to be made.

    Which way the key is kept is decided when a store is made, and stands in its header: what is installed
    or configured later does not silently bring another key.

    Raises:
        StoreError: the key is not where it was kept, is that of another store or readable by others, or the
            header is damaged.
        ConfigurationError: a passphrase is needed, or the configuration names another way.
    """
    header = place / HEADER
    if (document := _header(header)) is None:
        if any(place.glob("*.secret")):
            raise StoreError(
                f"there are sealed secrets in {str(place)!r}, but no {HEADER}",
                hint="restore it from a backup",
            )
        if not make:
            return None
        _make(header, setting)
        document = _header(header)
        assert document is not None  # noqa: S101 - made, here or by another process
    return _opened(document, place, setting)


def _header(path: Path) -> dict[str, Any] | None:
    if (data := read(path)) is None:
        return None
    try:
        document = json.loads(data)
        whole = all(isinstance(document[name], str) for name in ("vault", "key", "check"))
        newer = document["format"] > 1
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{str(path)!r} is damaged", hint="restore it from a backup") from error
    if newer:
        raise StoreError(f"{str(path)!r} is of a newer version of Dovetail", hint="update dovetail")
    if not whole:
        raise StoreError(f"{str(path)!r} is damaged", hint="restore it from a backup")
    return cast("dict[str, Any]", document)


def _make(header: Path, setting: KeySetting) -> None:
    vault = new_id()
    way = _way(setting)
    document: dict[str, Any] = {"format": 1, "vault": vault, "key": way}
    kept: Path | None = None
    if way == "passphrase":
        document["cost"] = new_cost()
        key = derived(_passphrase(setting), document["cost"])
    elif way == "keyring":
        key = os.urandom(KEY_SIZE)
        load("keyring:set_password")(_SERVICE, vault, key.hex())
    else:
        kept = _key_file(setting, vault)
        ours = create(kept, os.urandom(KEY_SIZE).hex().encode() + b"\n")
        key = _from_file(kept)
        kept = kept if ours and setting.file is None else None
    document["check"] = fingerprint(key, vault)
    if not create(header, canonical_json(document)) and kept is not None:
        kept.unlink(missing_ok=True)  # another process was first


def _way(setting: KeySetting) -> str:
    if setting.way != "auto":
        return setting.way
    if setting.passphrase is not None:
        return "passphrase"
    return "keyring" if setting.file is None and _has_keyring() else "file"


def _opened(document: dict[str, Any], place: Path, setting: KeySetting) -> VaultKey:
    vault, way = document["vault"], document["key"]
    if setting.way not in {"auto", way}:
        raise ConfigurationError(
            f"the secrets in {str(place)!r} have their key by {way!r}, not by {setting.way!r}",
            hint=f"set key to {way}, or export them and import them into a place of their own",
        )
    if way == "passphrase":
        key, source = derived(_passphrase(setting), document.get("cost", {})), "the passphrase"
    elif way == "keyring":
        key, source = _from_keyring(vault, place), "the key in the keyring"
    else:
        file = _key_file(setting, vault)
        key, source = _from_file(file), f"the key in {str(file)!r}"
    if fingerprint(key, vault) != document["check"]:
        raise StoreError(
            f"{source} is not that of the secrets in {str(place)!r}",
            hint="give the right one; without it nobody can read them",
        )
    return VaultKey(vault, key)


def _passphrase(setting: KeySetting) -> str:
    if setting.passphrase:
        return setting.passphrase
    raise ConfigurationError(
        "the key of these secrets comes from a passphrase, and none is given",
        hint=f"set {setting.variable} in the environment",
    )


def _key_file(setting: KeySetting, vault: str) -> Path:
    if setting.file is not None:
        return Path(setting.file).expanduser()
    return Path(home_directory()) / "keys" / f"{vault}.key"


def _from_file(file: Path) -> bytes:
    data = read(file)
    if data is None:
        raise StoreError(
            f"the key {str(file)!r} is not there", hint="restore it; without it nobody can read the secrets"
        )
    check_private(file, "the key")
    return _checked(data.decode(errors="replace"), str(file))


def _from_keyring(vault: str, place: Path) -> bytes:
    try:
        kept = load("keyring:get_password")(_SERVICE, vault)
    except Exception as error:
        raise StoreError(
            f"the keyring does not give out the key of {str(place)!r}: {type(error).__name__}: {error}",
            hint="unlock it, and see that the package 'keyring' is installed",
        ) from error
    if kept is None:
        raise StoreError(
            f"the keyring has no key of the secrets in {str(place)!r}", hint="restore it, as the same user"
        )
    return _checked(kept, "the keyring")


def _checked(text: str, source: str) -> bytes:
    with suppress(ValueError):
        key = bytes.fromhex(text.strip())
        if len(key) == KEY_SIZE:
            return key
    raise StoreError(f"what {source} holds is no key: {KEY_SIZE} bytes in base 16", hint="restore it")


def _has_keyring() -> bool:
    """Say whether the operating system has a keyring that this process can use."""
    try:
        backend = load("keyring:get_keyring")()
        if backend.priority < 1:
            return False
        load("keyring:get_password")(_SERVICE, "is anybody there")
    except Exception:  # noqa: BLE001 - a foreign library, whose backends raise what they like
        return False
    return True

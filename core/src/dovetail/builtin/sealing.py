"""Sealing: AES-256-GCM under a key, and keys made of passphrases by scrypt."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

from dovetail.plugin import IntegrationError, StoreError, canonical_json, load

KEY_SIZE = 32
_NONCE_SIZE = 12
_SALT_SIZE = 16
# As the OWASP password storage cheat sheet has it for 32 MiB.
_COST = {"n": 2**15, "r": 8, "p": 3}
_MOST = (2**20, 32, 16)


class NotSealedByThisError(Exception):
    """What was sealed was changed, belongs to something else, or has another key."""


def seal(key: bytes, plain: bytes, belongs_to: object) -> dict[str, str]:
    """Return `plain` sealed, as texts; it opens only with the key and for what it belongs to."""
    nonce = os.urandom(_NONCE_SIZE)
    sealed = _cipher(key).encrypt(nonce, plain, canonical_json(belongs_to))
    return {"nonce": nonce.hex(), "sealed": sealed.hex()}


def unseal(key: bytes, document: Mapping[str, Any], belongs_to: object) -> bytes:
    """Return what was sealed.

    Raises:
        NotSealedByThisError: a bit of it, of the key, or of what it belongs to is another.
    """
    cipher = _cipher(key)
    try:
        nonce = bytes.fromhex(document["nonce"])
        sealed = bytes.fromhex(document["sealed"])
        plain: bytes = cipher.decrypt(nonce, sealed, canonical_json(belongs_to))
    except (KeyError, TypeError, ValueError, load("cryptography.exceptions:InvalidTag")):
        raise NotSealedByThisError from None
    return plain


def fingerprint(key: bytes, of: str) -> str:
    """Return by what a key is recognized for a purpose; it tells nothing of the key."""
    return hmac.digest(key, of.encode(), "sha256").hex()


def new_cost() -> dict[str, Any]:
    """Return a fresh salt and what deriving a key of a passphrase costs."""
    return {"salt": os.urandom(_SALT_SIZE).hex(), **_COST}


def derived(passphrase: str, cost: Mapping[str, Any]) -> bytes:
    """Return the key that a passphrase gives with this salt and cost.

    Raises:
        StoreError: the salt or cost is none that this program makes.
    """
    try:
        salt = bytes.fromhex(cost["salt"])
        n, r, p = (int(cost[name]) for name in ("n", "r", "p"))
        # A changed header may not make this process compute for hours; scrypt refuses what is no cost.
        n, r, p = (min(cost, most) for cost, most in zip((n, r, p), _MOST, strict=True))
        return hashlib.scrypt(
            passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=128 * r * (n + p + 2) * 2, dklen=KEY_SIZE
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            "what says how the key comes from the passphrase is damaged", hint="restore it from a backup"
        ) from error


def _cipher(key: bytes) -> Any:  # noqa: ANN401 - of a package that may be missing
    try:
        return load("cryptography.hazmat.primitives.ciphers.aead:AESGCM")(key)
    except ImportError as error:
        raise IntegrationError(
            f"secrets are sealed by the package 'cryptography', which cannot be imported: {error}",
            hint="pip install 'dovetail[secrets]'",
        ) from error

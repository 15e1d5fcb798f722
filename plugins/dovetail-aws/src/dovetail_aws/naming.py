"""What a secret of a scope is called in AWS: `dovetail/global/db`, `dovetail/pipeline/training/db`."""

from __future__ import annotations

import re

_UNFIT = re.compile(rb"[^A-Za-z0-9_.-]")


def beginning(prefix: str, scope: str | None) -> str:
    """Return what the names of all secrets of a scope begin with, and those of no other have next to a name.

    Scopes with a ':' have a '/' in its place, and others begin with '=': none is taken for another.
    """
    if scope is None:
        return f"{prefix}/global/"
    parts = [_fit(each) for each in scope.split(":")]
    return f"{prefix}/{'/'.join(parts)}/" if len(parts) > 1 else f"{prefix}/={parts[0]}/"


def _fit(text: str) -> str:
    """Return a text in the characters that AWS takes; '=' and two digits stand for a byte of any other."""
    return _UNFIT.sub(lambda found: b"=%02X" % ord(found[0]), text.encode()).decode()

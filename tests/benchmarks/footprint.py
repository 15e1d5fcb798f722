"""What `pip install dovetail` brings to an empty environment."""

from __future__ import annotations

from functools import cache

from installation import Installation, create
from row import Measurement, row


@cache
def _bare() -> Installation:
    return create()


@row("distributions of a bare dovetail", unit="", bound=32)
def distributions() -> Measurement:
    return Measurement(ours=len(list(_bare().packages.glob("*.dist-info"))))


@row("size of a bare dovetail, byte code not counted", unit="MB", bound=65)
def size() -> Measurement:
    files = (file for file in _bare().packages.rglob("*") if file.is_file() and not file.is_symlink())
    return Measurement(ours=sum(file.stat().st_size for file in files if file.suffix != ".pyc") / 1e6)

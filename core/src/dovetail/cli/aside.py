"""Standard output kept for one document: what a plugin or the user's code prints goes to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_kept: list[int] = []


@contextmanager
def output_aside(*, wanted: bool = True) -> Iterator[None]:
    """Send to standard error what is printed in the block, by whatever code and in whatever way."""
    if not wanted or _kept:
        yield
        return
    sys.stdout.flush()
    with suppress(OSError):  # one of the two is closed: then there is nothing to be kept clean
        kept = os.dup(1)
        os.dup2(2, 1)
        _kept.append(kept)
    try:
        yield
    finally:
        give_back()


def give_back() -> None:
    """Let standard output be itself again, within the block: the document comes now."""
    if _kept:
        sys.stdout.flush()
        kept = _kept.pop()
        os.dup2(kept, 1)
        os.close(kept)

"""A line that counts along on a terminal while something takes long, and is gone at the end."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from dovetail.cli.render import clean

_AFTER = 0.5
_EVERY = 0.1
_CLEAR = "\r\x1b[K"


class Tally:
    """Shows the newest text in one line of standard error; elsewhere than on a terminal nothing."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + _AFTER
        self._shown = False

    def show(self, text: str) -> None:
        """Show how far it is, at most a few times a second, and not before it takes long."""
        if self._terminal and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            self._shown = True
            sys.stderr.write(f"{_CLEAR}{clean(text)}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

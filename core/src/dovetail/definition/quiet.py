"""How a script ends that let one of our errors pass: message and hint, no traceback of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from dovetail.errors import DovetailError, StepError


def leave_quietly() -> None:
    """Show an uncaught DovetailError as a message from now on; everything else as before.

    Leaves a hook that somebody else has set alone, and does nothing under DOVETAIL_DEBUG.
    """
    if sys.excepthook is sys.__excepthook__ and not os.environ.get("DOVETAIL_DEBUG"):
        sys.excepthook = _show


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Leave quietly with a DovetailError that the block lets pass."""
    try:
        yield
    except DovetailError:
        leave_quietly()
        raise


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, DovetailError):
        sys.__excepthook__(kind, error, trace)
        return
    if isinstance(error, StepError) and error.traceback:
        sys.stderr.write(error.traceback)
    sys.stderr.write(f"error: {error}\n")
    sys.exit(error.exit_code)  # the interpreter takes the exit code from here

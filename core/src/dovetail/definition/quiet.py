"""How a script ends that let one of our errors pass: message and hint, no traceback of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from dovetail.errors import DovetailError, StepError
from dovetail.redaction import active, mask, masked


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


def without_secrets(error: DovetailError) -> DovetailError:
    """Return the error with what is confidential masked; a cause that tells it is left out.

    Its message may be that of a library that a component uses, and no hook of ours sees every traceback.
    """
    if not active():
        return error
    error.args = tuple(map(masked, error.args))
    for name in ("message", "hint", "where", "traceback", "__notes__"):
        if hasattr(error, name):
            setattr(error, name, masked(getattr(error, name)))
    cause: BaseException | None = error.__cause__
    while cause is not None:
        if mask(repr(cause)) != repr(cause) or mask(str(cause)) != str(cause):
            error.__cause__ = None
            break
        cause = cause.__cause__ or cause.__context__
    return error


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, DovetailError):
        sys.__excepthook__(kind, error, trace)
        return
    if isinstance(error, StepError) and error.traceback:
        sys.stderr.write(mask(error.traceback))
    sys.stderr.write(mask(f"error: {error}\n"))
    sys.exit(error.exit_code)  # the interpreter takes the exit code from here

"""The end of this process when a step that runs in it does not let the run end."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from dovetail.errors import DovetailError
from dovetail.execution.output import terminal
from dovetail.host.process_tree import children, descendants, send_signal


def children_now() -> set[int]:
    """Return the children of this process, so that those of its steps can be told from them later."""
    return set(children(os.getpid())) if sys.platform == "linux" else set()


def leave_at_once(code: int, spared: set[int], error: DovetailError | None) -> NoReturn:
    """End this process and what was started from it, but for the children `spared`; nothing is tidied up.

    `error` is what it says last: nobody will get it raised.
    """
    with suppress(OSError, ValueError):
        if error is not None and sys.stderr is not None:
            terminal().write(f"error: {error.message}\nhint: {error.hint}\n")
    for pid in descendants(sorted(children_now() - spared)):
        send_signal(pid, signal.SIGKILL)
    os._exit(code)

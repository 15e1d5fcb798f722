"""The end of this process when a step that runs in it does not let the run end."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from dovetail.host.process_tree import children, descendants, send_signal


def children_now() -> set[int]:
    """Return the children of this process, so that those of its steps can be told from them later."""
    return set(children(os.getpid())) if sys.platform == "linux" else set()


def leave_at_once(code: int, spared: set[int]) -> NoReturn:
    """End this process and what was started from it, but for the children `spared`; nothing is tidied up."""
    for pid in descendants(sorted(children_now() - spared)):
        send_signal(pid, signal.SIGKILL)
    os._exit(code)

"""Strays: what dead steps left behind, now children of the supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Container

from dovetail.host.process_tree import (
    ATTEMPT,
    carries,
    children,
    descendants,
    is_service,
    send_signal,
)

_PAUSE = 0.002


class Strays:
    """Tells strays from children that may stay: `kept` are services and what imports began."""

    def __init__(self) -> None:
        self.kept: set[int] = set()

    def keep_imported(self) -> None:
        """Keep what the warm process left so far; what carries an attempt came from a fresh step."""
        self.kept.update(pid for pid in children(os.getpid()) if not carries(pid, f"{ATTEMPT}="))

    def kill(self, own: Container[int | None]) -> bool:
        """Kill every child neither in `own` nor kept, with all below it; say whether there was any."""
        found = [pid for pid in children(os.getpid()) if pid not in self.kept and pid not in own]
        self.kept.update(pid for pid in found if is_service(pid))
        doomed = descendants([pid for pid in found if pid not in self.kept])
        for pid in doomed:
            send_signal(pid, signal.SIGKILL)
        return bool(doomed)


def end_everything(limit: float) -> None:
    """Kill every descendant of this process, again and again until none is left or the time is up."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        wait_for_dead()
        left = descendants(children(os.getpid()))
        if not left:
            return
        for pid in left:
            send_signal(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def wait_for_dead() -> list[tuple[int, int]]:
    """Return process id and wait status of every child that has ended, and release them."""
    dead: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return dead
        if pid == 0:
            return dead
        dead.append((pid, status))

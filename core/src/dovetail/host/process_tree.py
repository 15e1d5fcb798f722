"""Processes and what they started, on Linux: who they are, how to adopt their orphans, how to end them."""

# ruff: noqa: PTH110, PTH123, PTH208
# The supervisor imports this, and does without pathlib.

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from dovetail.host.c_library import c_library

SERVICE = "DOVETAIL_SERVICE"
"""The environment variable that marks a process, with all below it, as meant to outlive its step."""

ATTEMPT = "DOVETAIL_ATTEMPT"
"""The environment variable that holds the id of the attempt for which a fresh interpreter was started."""

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in linux/prctl.h
_SET_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def signal_name(number: int) -> str:
    """Return `SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    c_library().prctl(_SET_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the thread that forked it ends, which may be already."""
    c_library().prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def continue_without_parent() -> None:
    """Let the kernel wake this process, should it be stopped, when the thread that started it ends."""
    c_library().prctl(_SET_DEATH_SIGNAL, int(signal.SIGCONT), 0, 0, 0)


def children(pid: int) -> list[int]:
    """Return the direct children of a process, the dead ones not yet waited for included."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        if os.path.exists("/proc/self/task") and not _lists_children():
            return [each for each, parent in _parents() if parent == pid]
    except ProcessLookupError:
        pass
    return found


@cache
def _lists_children() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                yield int(name), int(file.read().rpartition(b")")[2].split()[1])


def is_service(pid: int) -> bool:
    """Say whether a process was started as a service."""
    return carries(pid, f"{SERVICE}=")


def carries(pid: int, variable: str) -> bool:
    """Say whether a process was started with an environment entry that begins with `variable`."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return (b"\0" + file.read()).find(b"\0" + variable.encode()) >= 0
    except OSError:
        return False


def carriers(variable: str) -> list[int]:
    """Return every process whose environment, if we may read it, has an entry that begins so."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and carries(int(name), variable)]


def descendants(roots: list[int]) -> list[int]:
    """Return the roots and everything below them, services and what they started left out."""
    found: list[int] = []
    pending = list(roots)
    while pending:
        pid = pending.pop()
        if not is_service(pid):
            found.append(pid)
            pending += children(pid)
    return found


def kill_all_below(pid: int) -> None:
    """Stop a process, so that it starts nothing more, and kill everything below it, services left out."""
    send_signal(pid, signal.SIGSTOP)
    killed: set[int] = set()
    # What a killed parent leaves moves up to a process that adopts orphans, and is found by the next look.
    while found := set(descendants(children(pid))) - killed:
        for each in found:
            send_signal(each, signal.SIGKILL)
        killed |= found


def send_signal(pid: int, number: int, *, group: bool = False) -> None:
    """Signal a process, or its group; without effect when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)

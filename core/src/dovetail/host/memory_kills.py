"""The count of processes that the kernel killed in this control group because its memory was used up."""

# ruff: noqa: PTH110, PTH123
# The supervisor imports this, and does without pathlib.

from __future__ import annotations

import os

_V2 = "/sys/fs/cgroup{}/memory.events"
_V1 = "/sys/fs/cgroup/memory{}/memory.oom_control"


def memory_kills() -> int | None:
    """Return the count, None where this system does not tell."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    for _, controllers, path in groups:
        if controllers == "":
            counted = _counter(_V2.format(path.rstrip("/")))
        elif "memory" in controllers.split(","):
            counted = _counter(_V1.format(path.rstrip("/")))
        else:
            continue
        if counted is not None:
            return counted
    return None


def _counter(path: str) -> int | None:
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            entries = dict(line.split() for line in file)
        return int(entries["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None

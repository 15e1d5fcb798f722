"""What a process and all below it use of memory and processor time, on Linux."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from dovetail.host.process_tree import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def memory_in_use(root: int, limit: int) -> int:
    """Return the bytes of memory that `root` and all below it occupy.

    Pages that several of them share are counted once where it matters: a sum above `limit` is taken again
    by proportional shares, which costs the kernel more.
    """
    tree = descendants([root])
    resident = sum(_resident(pid) for pid in tree)
    return resident if resident <= limit or len(tree) == 1 else sum(_proportional(pid) for pid in tree)


def cpu_seconds(root: int) -> float:
    """Return the processor time that `root` and all below it have used, ended children included."""
    return sum(_ticks(pid) for pid in descendants([root])) / _TICKS


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)


def _ticks(pid: int) -> int:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0

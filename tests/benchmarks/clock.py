"""The CPU time of child processes, measured in pairs."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from row import Measurement


@dataclass(frozen=True)
class Cost:
    """What one child process used, all it waited for included; seconds, and bytes at its largest."""

    cpu: float
    wall: float
    peak: int


def cost(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Cost:
    """Run a command to its end and return its cost; a command that fails ends the benchmark."""
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        child = subprocess.Popen(command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} left with {child.returncode}:\n{text}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024)


def paired(
    floor: Callable[[], float],
    ours: Callable[[], float],
    *,
    pairs: int,
    warm: int = 2,
    of: Callable[[list[float]], float] = statistics.median,
) -> Measurement:
    """Measure both in turn, so that noise meets both alike; return the medians, or what `of` says.

    The first `warm` pairs are thrown away: they fill the caches of the file system and of Python. What is
    measured as time on the clock takes the best (`of=min`): others on the machine only ever add.
    """
    taken = [(floor(), ours()) for _ in range(warm + pairs)][warm:]
    return Measurement(
        floor=of([below for below, _ in taken]),
        ours=of([above for _, above in taken]),
    )

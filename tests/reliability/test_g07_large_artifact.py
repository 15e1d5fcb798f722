"""G7: a large artifact is stored, read, verified, exported and imported in pieces."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

MIB = 1 << 20
STEPS = """
import hashlib, os
from pathlib import Path
from dovetail import pipeline, step, step_context

def note_peak():
    status = Path("/proc/self/status").read_text()
    step_context().log_metric("peak_kb", float(status.partition("VmHWM:")[2].split()[0]))

@step
def make(mib: int) -> Path:
    path = Path(f"large-{mib}.bin")
    piece = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for number in range(mib):
            stream.write(number.to_bytes(8, "big") + piece[8:])
    note_peak()
    return path

@step
def read(path: Path) -> int:
    seen = 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            seen += piece[:8] == seen.to_bytes(8, "big")
    note_peak()
    return seen

@pipeline
def large():
    read(make())
"""
BLOBS = """
import os
from pathlib import Path
from dovetail import pipeline, step, step_context

@step
def make(mib: int) -> bytes:
    return os.urandom(1 << 20) * mib

@step
def weigh(blob: bytes) -> int:
    status = Path("/proc/self/status").read_text()
    step_context().log_metric("peak_kb", float(status.partition("VmHWM:")[2].split()[0]))
    return len(blob)

@pipeline
def blobs():
    weigh(make())
"""
# Runs a command; notes the highest memory of this process, and of the largest that it has waited for.
PEAK = """
import resource, sys
from pathlib import Path
from dovetail.cli.main import run
code = run(sys.argv[1:])
own = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print("peak_kb", own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
LOAD = """
import sys
from pathlib import Path
from dovetail import Client
print(Client().artifact(sys.argv[1]).load().stat().st_size)
print("peak_kb", Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


class Peaks(dict[str, float]):
    """The highest memory of each process in MB, by what it did."""

    def command(self, cli: CommandLine, name: str, *words: str) -> Any:
        answer = cli.python("-c", PEAK, *words, "--json", timeout=1200)
        assert answer.code == 0, answer.err
        own, children = answer.err.rpartition("peak_kb")[2].split()
        self[name], self[f"children of {name}"] = float(own) / 1000, float(children) / 1000
        return answer.json()

    def rise_from(self, small: Peaks) -> dict[str, float]:
        return {name: peak - small[name] for name, peak in self.items()}


def told(rise: dict[str, float]) -> str:
    return ", ".join(f"{name} {each:.0f}" for name, each in rise.items() if not name.startswith("children"))


def of_a_file(cli: CommandLine, mib: int) -> Peaks:
    """Take a file of so many MiB through everything there is."""
    found = Peaks()
    run = found.command(cli, "runner", "run", "run.py", "--param", f"make.mib={mib}")
    steps = {each["name"]: each for each in run["steps"]}
    assert {each["status"] for each in steps.values()} == {"completed"}
    found |= {f"step {name}": each["metrics"]["peak_kb"] / 1000 for name, each in steps.items()}
    (artifact,) = steps["make"]["outputs"].values()
    assert artifact["size"] > mib * MIB
    (cli.directory / f"large-{mib}.bin").unlink()
    assert found.command(cli, "verify", "artifact", "verify", artifact["id"])["damaged"] == []
    archive = cli.directory / f"{mib}.tar"
    written = found.command(cli, "export", "artifact", "export", artifact["id"], "-o", str(archive))
    assert written["size"] > mib * MIB
    (taken,) = found.command(cli, "import", "artifact", "import", str(archive))["artifacts"]
    assert taken["digest"] == artifact["digest"]
    archive.unlink()
    answer = cli.python("-c", LOAD, taken["id"], timeout=1200)
    assert answer.out.split() == [str(mib * MIB)], answer.err
    found["load"] = float(answer.err.rpartition("peak_kb")[2]) / 1000
    return found


def of_bytes(cli: CommandLine, mib: int) -> Peaks:
    """Take a value of so many MiB from a step to the next."""
    found = Peaks()
    run = found.command(cli, "runner", "run", "blobs.py", "--param", f"make.mib={mib}")
    assert {each["status"] for each in run["steps"]} == {"completed"}
    found["reader"] = run["steps"][-1]["metrics"]["peak_kb"] / 1000
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
@pytest.mark.timeout(3600)
def test_g07_a_large_file_is_never_in_memory_as_a_whole(
    cli: CommandLine, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    mib, most = size(128, 2048), size(40, 200)
    cli.write("run.py", STEPS)
    small = of_a_file(cli, 1)
    rise = of_a_file(cli, mib).rise_from(small)
    tell(
        f"G7: file of {mib} MiB, memory rises by {max(rise.values()):.0f} of at most {most} MB ({told(rise)})"
    )
    assert max(rise.values()) < most


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are told so on Linux")
@pytest.mark.timeout(600)
def test_g07_a_large_value_is_in_memory_once(
    cli: CommandLine, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    mib, most = size(64, 512), size(40, 200)
    cli.write("blobs.py", BLOBS)
    small, large = of_bytes(cli, 1), of_bytes(cli, mib)
    value = mib * MIB / 1e6
    reader = large["reader"] - small["reader"] - value
    # Of the process that stores it only the operating system tells; an empty one is as large as the reader's.
    writer = large["children of runner"] - small["reader"] - value
    tell(
        f"G7: bytes of {mib} MiB take {writer:.0f} MB more than themselves to store, {reader:.0f} MB to read"
    )
    # Less than nothing: a small value leaves room in a process that a large one takes.
    assert -value / 2 < reader < most
    assert -value / 2 < writer < most
    assert large["runner"] - small["runner"] < most

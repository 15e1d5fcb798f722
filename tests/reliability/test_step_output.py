"""Output of steps: however much and of whatever kind, it blocks and grows nobody, and a cut is said."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine

MODES = pytest.mark.parametrize("mode", [[], ["--in-process"]], ids=["processes", "in_process"])
MIB = 1 << 20
LIMIT = 64 * MIB
NOTICE = f"\n[more than {LIMIT} bytes: the rest of the output is left out]\n"

HEAD = """
import os, sys
from dovetail import pipeline, step

def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        found = dict(line.split(":", 1) for line in file)
    return int(found["PPid"]), found["Name"].strip(), int(found["VmHWM"].split()[0]) * 1024

def above():
    # The peaks of this process's ancestors: warm process, supervisor, launcher; or its own, in process.
    if "--in-process" in os.environ["MODE"]:
        return [memory(os.getpid())[2]]
    peaks, pid = [], os.getppid()
    for _ in range(3):
        pid, _, peak = memory(pid)
        peaks.append(peak)
    return peaks

@step
def before() -> list[int]:
    return above()

@step
def after(before: list[int], value: int) -> list[int]:
    return [new - old for new, old in zip(above(), before)]
"""

KINDS = {
    "no newline": """
    left = {size}
    piece = b"x" * 65536
    while left > 0:
        left -= os.write(1, piece)
""",
    "junk": """
    junk = bytes(range(256)) * 256
    for _ in range({size} // 4 // len(junk)):
        os.write(2, junk)
""",
    "progress bars": """
    for number in range({lines}):
        sys.stdout.write(f"\\r{{number:9}} of many")
""",
    "short lines": """
    for number in range({lines}):
        sys.stdout.write("x\\n")
""",
}


def script(kind: str, size: int = 0, lines: int = 0) -> str:
    body = KINDS[kind].format(size=size, lines=lines)
    writes = f"@step\ndef writes(first: list[int]) -> int:{body}    return 1\n"
    noisy = "@pipeline\ndef noisy():\n    first = before()\n    after(first, value=writes(first))\n"
    return f"{HEAD}\n{writes}\n{noisy}\nnoisy.run()\n"


def growth(cli: CommandLine, mode: list[str]) -> list[int]:
    """Run; return by how much the peak memory of each process above the step rose."""
    answer = cli("run", "run.py", *mode, "--no-cache", env={"MODE": " ".join(mode)})
    assert answer.code == 0, answer.err[-2000:]
    look = "from dovetail import Client; print(Client().run().step('after').output.load())"
    grown: list[int] = json.loads(cli.python("-c", look).out)
    return grown


def log_of(cli: CommandLine) -> Path:
    found = [each for each in cli.home.glob("store/runs/*/*/logs/*.log") if each.name != "warm.log"]
    return max(found, key=lambda each: each.stat().st_size)


@MODES
@pytest.mark.parametrize("kind", KINDS)
def test_much_output_neither_blocks_nor_grows_the_launcher(
    cli: CommandLine, mode: list[str], kind: str, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    cli.write("run.py", script(kind, size(80, 200) * MIB, size(300_000, 5_000_000)))
    grown = growth(cli, mode)
    assert max(grown) < 50 * MIB
    log = log_of(cli)
    written = log.stat().st_size
    if kind == "no newline":
        assert written == LIMIT + len(NOTICE)
        assert cli("run", "logs", "last", "writes").out.endswith(NOTICE)
    log.unlink()  # pytest would keep it
    tell(f"{kind}, {'in process' if mode else 'processes'}: {written / MIB:.0f} MiB kept, "
         f"peak memory +{max(grown) / MIB:.0f} MiB")  # fmt: skip


def test_a_live_display_shows_what_can_be_read_and_a_count(cli: CommandLine) -> None:
    cli.write("run.py", script("short lines", lines=300_000))
    ours, theirs = pty.openpty()
    shown = bytearray()

    def drain() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                shown.extend(data)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=drain)
    reader.start()
    done = subprocess.run(
        [sys.executable, "-m", "dovetail", "run", "run.py"], cwd=cli.directory, timeout=100, check=False,
        env={**cli.environment(), "MODE": "", "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert done.returncode == 0, bytes(shown[-2000:])
    assert b"lines are kept in its log" in shown
    assert len(shown) < 40 * MIB
    assert log_of(cli).stat().st_size == 600_000


@MODES
def test_a_log_that_takes_no_more_fails_no_step_and_is_told(cli: CommandLine, mode: list[str]) -> None:
    cli.write("run.py", script("short lines", lines=10))
    answer = cli(
        "run", "run.py", *mode, env={"MODE": " ".join(mode), "DOVETAIL_FAILPOINT": "log-flush:raise"}
    )
    assert answer.code == 0, answer.err
    assert "note: a log is incomplete: " in answer.err

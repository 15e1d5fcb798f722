"""Many runs in one process, and runs of many steps: nothing piles up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dovetail.testing.command_line import CommandLine

MIB = 1 << 20

RUNS = """
import gc, json, os, sys, threading
from dovetail import pipeline, step

def look():
    gc.collect()
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return len(os.listdir("/proc/self/fd")), threading.active_count(), resident

@step
def one(number: int) -> int:
    print("number", number)
    return number

@step
def two(value: int) -> int:
    return value + 1

@pipeline
def small(number: int):
    two(one(number=number))

if __name__ == "__main__":
    count, in_process = int(sys.argv[1]), sys.argv[2] == "in_process"
    for number in range(count):
        if number == count // 3:
            before = look()
        small(number=number).run(in_process=in_process, quiet=True)
    print(json.dumps([before, look()]))
"""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("mode", "quick", "whole"), [("in_process", 60, 1000), ("processes", 9, 100)])
def test_runs_in_one_process_keep_no_descriptor_no_thread_and_no_memory(
    cli: CommandLine,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
    mode: str,
    quick: int,
    whole: int,
) -> None:
    cli.write("run.py", RUNS)
    count = size(quick, whole)
    answer = cli.python("run.py", str(count), mode, timeout=1800)
    assert answer.code == 0, answer.err + cli("run", "logs", "last").out
    before, after = json.loads(answer.out)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 20 * MIB
    grown = (after[2] - before[2]) / MIB
    tell(f"{count} runs ({mode}): {after[0]} descriptors, {after[1]} threads, {grown:+.1f} MiB")


STEPS = """
import json, resource, sys
from dovetail import pipeline, step

@step
def start() -> int:
    return 1

@step
def more(value: int, number: int) -> int:
    return value

@pipeline
def wide(count: int):
    value = start()
    for number in range(count - 1):
        value = more(value, number=number) if number % 10 else more(start(), number=number)

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024

if __name__ == "__main__":
    before = peak()
    run = wide(count=int(sys.argv[1])).run(quiet=True, enable_cache=False)
    print(json.dumps([run.status, len(run.steps), before, peak()]))
"""


@pytest.mark.timeout(1800)
def test_a_run_of_many_steps_grows_its_launcher_little(
    cli: CommandLine, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    cli.write("run.py", STEPS)
    answer = cli.python("run.py", str(size(300, 10_000)), timeout=1800)
    assert answer.code == 0, answer.err
    status, steps, before, after = json.loads(answer.out)
    assert status == "completed"
    assert after - before < 200 * MIB
    tell(f"{steps} steps: launcher +{(after - before) / MIB:.0f} MiB")

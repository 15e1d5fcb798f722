"""Pipelines of several shapes for storms: each step attests that it is executed, and takes a little while.

`AIM` (`STEP NUMBER POINT`) arms a failpoint in the process of one attempt of one step.
"""

from __future__ import annotations

import os
import sys
import time

from dovetail import Output, Retry, failpoints, pipeline, step
from dovetail.testing.witness import Execution, attest

RETRY = Retry(attempts=3, delay=0.02)


def work(seconds: float = 0.04) -> Execution:
    executed = attest()
    sys.stdout.write(f"{executed.step} {executed.number}\n")
    sys.stdout.flush()
    name, number, point = os.environ.get("AIM", "- 0 -").split()
    if (name, int(number)) == (executed.step, executed.number):
        failpoints.arm(point)
    time.sleep(seconds)
    return executed


@step
def steady() -> int:
    work(0.01)
    return 1


@step(enable_cache=False)  # so that the cache cannot hide that it was executed again
def load(base: int, seed: int = 0) -> int:
    work()
    return base + seed


@step
def add(value: int, more: int) -> int:
    work()
    return value + more


@step(retry=RETRY)
def patient(value: int, more: int) -> int:
    work()
    return value + more


@step(retry=RETRY)
def flaky(value: int, more: int) -> int:
    if work().number % 2:
        raise OSError("not yet")
    return value + more


@step
def merge(one: int, two: int) -> int:
    work()
    return one + two


@step
def split(value: int) -> Output(text=str, numbers=list[int], raw=bytes):  # type: ignore[valid-type]
    work()
    return "x" * 100_000 + str(value), list(range(value, value + 5000)), bytes(70_000)


@step
def collect(text: str, numbers: list[int], raw: bytes) -> int:
    work()
    return len(text) + len(numbers) + len(raw)


@pipeline
def diamond() -> None:
    start = load(steady())
    left = add.with_options(name="left_more")(add.with_options(name="left")(start, 1), 2)
    merge(left, add.with_options(name="right")(start, 3))


@pipeline
def chain() -> None:
    value = load(steady())
    for number in range(4):
        value = patient.with_options(name=f"link_{number}")(value, number)


@pipeline
def fan_out() -> None:
    start = load(steady())
    for number in range(5):
        add.with_options(name=f"part_{number}")(start, number)


@pipeline
def fan_in() -> None:
    start = load(steady())
    left, right = (flaky.with_options(name=name)(start, more) for more, name in enumerate(("left", "right")))
    merge(left, right)


@pipeline
def several() -> None:
    parts = split(load(steady()))
    collect(parts.text, parts.numbers, parts.raw)

"""Pipelines whose steps do not end when they are asked to, each in its own way; files say how far."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from dovetail import Retry, pipeline, step
from dovetail.definition.step import StepDefinition
from dovetail.execution.api import Pipeline

POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ready(name: str = "") -> None:
    Path(f"{os.environ['DOVETAIL_TEST_COOKIE']}-{name or os.getpid()}").touch()


if __name__ != "__main__" and Path("slow-import").exists():
    ready()
    time.sleep(600)


@step
def patient() -> int:
    ready()
    time.sleep(600)
    return 1


@step
def also_patient(number: int) -> int:
    if "HURRY" in os.environ:
        return number
    ready()
    time.sleep(600)
    return number


@step
def waiting() -> int:
    if "HURRY" in os.environ:
        return 2
    ready()
    while not Path("go").exists():
        time.sleep(0.02)
    ready("done")
    return 1


@step
def forking() -> int:
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    ready()
    time.sleep(600)
    return 1


@step
def busy() -> int:
    ready()
    while True:
        pass


@step(timeout=0.5)
def late() -> int:
    return deaf.entrypoint()


@step
def deaf() -> int:
    for each in POLITE:
        signal.signal(each, signal.SIG_IGN)
    ready()
    while True:
        time.sleep(0.1)


@step
def in_c() -> int:
    ready()
    deque(itertools.repeat(None), maxlen=0)
    return 1


@step
def in_finally() -> int:
    try:
        ready()
        time.sleep(600)
    finally:
        ready("finally")
        for each in POLITE:
            signal.signal(each, signal.SIG_IGN)
        while True:
            time.sleep(0.1)


@step
def catching() -> int:
    while True:
        try:
            ready()
            time.sleep(600)
        except KeyboardInterrupt:
            ready("again")


@step
def tidy() -> int:
    try:
        ready()
        time.sleep(600)
    finally:
        time.sleep(0.3)
        ready("tidied")
    return 1


@step
def parent() -> int:
    sleep = [
        sys.executable,
        "-S",
        "-c",
        "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(600)",
    ]
    subprocess.Popen(sleep)
    subprocess.Popen(sleep, start_new_session=True)
    ready()
    time.sleep(600)
    return 1


@step(retry=Retry(attempts=2, delay=600.0))
def failing() -> int:
    ready()
    raise ValueError("not this time")


@step
def quick() -> int:
    ready("quick")
    return 1


@pipeline
def several() -> None:
    patient()
    for number in range(3):
        also_patient.with_options(name=f"also_{number}")(number)


@pipeline
def quick_then_patient() -> None:
    also_patient(quick())


def one(alone: StepDefinition[..., Any]) -> Pipeline:
    @pipeline(name=alone.name)
    def body() -> None:
        alone()

    return body


if __name__ == "__main__":
    wanted = globals()[os.environ.get("PIPELINE", "patient")]
    (wanted if hasattr(wanted, "run") else one(wanted)).run()

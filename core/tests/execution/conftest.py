"""A directory of one's own, with the command line and small pipelines in it; processes with small steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dovetail.components.orchestrator import StepEnd
from dovetail.execution.attempt.job import Job
from dovetail.execution.processes.pool import ProcessPool
from dovetail.names import new_id
from dovetail.records.plan import Plan
from dovetail.records.report import StepTask
from dovetail.testing.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line in an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, tmp_path / "home")


STAND_IN = Path(__file__).parent / "stand_in"


class Steps:
    """Functions of a module as steps, run by the stand-in worker in processes of a pool."""

    def __init__(self, folder: Path, until: Callable[..., Any]) -> None:
        self.folder = folder
        self.until = until
        self.logs = folder / "logs"
        self.job = folder / "job.json"
        self.shown: dict[str, bytes] = {}
        self.pools: list[ProcessPool] = []
        self.write("def nothing(): pass")

    def write(self, source: str) -> None:
        (self.folder / "steps_of_test.py").write_text("import os, signal, sys, time\n" + dedent(source))

    def pool(self, *, given: bool = True, **options: Any) -> ProcessPool:
        self.job.write_bytes(
            Job(
                format=1,
                run_id="r",
                run_name="r",
                plan=Plan(format=1, pipeline="p", steps=()),
                components={},
                source_root=str(self.folder),
                sys_path=(str(STAND_IN),),
            ).to_json()
        )
        pool = ProcessPool(
            source_root=self.folder,
            modules=["steps_of_test"],
            sys_path=[str(STAND_IN)],
            log_directory=self.logs,
            worker="stand_in_worker:Worker",
            **{"log_limit": 1 << 20, "mode": "fork", "echo": self._echo, **options},
        )
        self.pools.append(pool)
        if given:
            pool.give(self.job)
        return pool

    def _echo(self, attempt: str, data: bytes) -> None:
        self.shown[attempt] = self.shown.get(attempt, b"") + data

    def task(self, step: str, **fields: Any) -> StepTask:
        return StepTask(run_id="r", run_name="r", step=step, attempt=new_id(), number=1, epoch=1, **fields)

    def end(self, pool: ProcessPool, process: Any) -> StepEnd:
        def ended() -> StepEnd | None:
            pool.wait(0.5)
            return process.poll()

        return self.until(ended, 60)

    def run(self, pool: ProcessPool, step: str, **options: Any) -> StepEnd:
        return self.end(pool, pool.start(self.task(step), **options))

    def log(self, process: Any) -> str:
        path = self.logs / f"{process.task.attempt}.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def steps(tmp_path: Path, until: Callable[..., Any]) -> Iterator[Steps]:
    """Steps in a module of their own; every pool is closed at the end."""
    folder = tmp_path / "steps"
    folder.mkdir()
    steps = Steps(folder, until)
    yield steps
    for pool in steps.pools:
        pool.close()


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Say whether a process lives; one that only waits to be released does not."""

    def is_alive(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return is_alive


@pytest.fixture
def carriers() -> Callable[[str], list[int]]:
    """Return the living processes in whose environment at their start a text stands."""

    def find(text: str) -> list[int]:
        found = []
        for each in Path("/proc").iterdir():
            if each.name.isdigit() and int(each.name) != os.getpid():
                try:
                    if text.encode() in (each / "environ").read_bytes():
                        found.append(int(each.name))
                except OSError:
                    continue
        return found

    return find

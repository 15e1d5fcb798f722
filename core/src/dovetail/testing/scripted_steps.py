"""A step launcher for tests of orchestrators: a small graph of programs that do as they are told."""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dovetail.components.orchestrator import StepEnd
from dovetail.names import new_id
from dovetail.planning.graph import Frontier
from dovetail.records.plan import Plan
from dovetail.records.report import Reason, StepTask
from dovetail.testing.run_facts import chain

PROGRAM = """
import os, pathlib, signal, sys, time
place, step, attempt, does = pathlib.Path(sys.argv[1]), *sys.argv[2:]
if does == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
(place / f"{step}.{attempt}.started").write_text(str(os.getpid()))
end = time.monotonic() + 60
while does in {"wait", "stubborn"} and not (place / "go").exists() and time.monotonic() < end:
    time.sleep(0.005)
if does == "die":
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(3 if does == "fail" else 0)
"""
_PAUSE = 0.005
_LATE = 0.5


class Scripted:
    """Implements `dovetail.components.orchestrator.StepLauncher`, and objects to whoever breaks its rules.

    `graph` maps a step to those it waits for, `does` to what its program does: `end` (the default), `fail`
    with exit code 3, `die` by SIGKILL, `wait` for the file `go`, or `stubborn`: the same, without obeying
    signals. `retries` maps a step to how often it is given out again when it has not completed, each time
    `later` seconds later.
    """

    def __init__(
        self,
        place: Path,
        graph: Mapping[str, set[str]],
        *,
        does: Mapping[str, str] | None = None,
        retries: Mapping[str, int] | None = None,
        max_workers: int = 4,
        in_process: bool = False,
        later: float = 0.0,
    ) -> None:
        self.place = place
        self.plan: Plan = chain(*graph)
        self.max_workers = max_workers
        self.in_process = in_process
        self.ends: list[tuple[str, StepEnd]] = []
        self.most = 0
        self.in_vain = 0
        self._later = later
        self._due = 0.0
        self._does = dict(does or {})
        self._retries = Counter(dict(retries or {}))
        self._frontier = Frontier(graph)
        self._again: list[str] = []
        self._out: dict[str, str] = {}
        self._begun: set[str] = set()
        self._processes: list[Program] = []
        self.cancelled = False

    @property
    def finished(self) -> bool:
        """Say whether no step is left to take and none is out."""
        return not self._out and (self.cancelled or not (self._frontier.ready or self._again))

    def take(self, limit: int) -> Sequence[StepTask]:
        """Give out what is ready."""
        tasks: list[StepTask] = []
        again = self._again if time.monotonic() >= self._due else []
        while len(tasks) < limit and not self.cancelled and (again or self._frontier.ready):
            step = again.pop() if again else self._frontier.ready.popleft()
            assert step not in self._out.values(), f"{step!r} is out already"
            task = StepTask(
                run_id=new_id(), run_name="scripted", step=step, attempt=new_id(), number=1, epoch=1
            )
            self._out[task.attempt] = step
            tasks.append(task)
        self.most = max(self.most, len(self._out))
        self.in_vain += not tasks
        assert len(self._out) <= self.max_workers, "more was taken than may be out at once"
        return tasks

    def next_due(self) -> float | None:
        """Return in how many seconds a step may be tried again, None where none waits for that."""
        return max(0.0, self._due - time.monotonic()) if self._again and not self.cancelled else None

    def call(self, task: StepTask) -> StepEnd:
        """Run the program and wait for it, as a step that is called in this process would."""
        assert self.in_process, "steps are to run in processes of their own"
        self._begin(task)
        return Program(task, self.command(task)).wait()

    def start(self, task: StepTask) -> Program:
        """Start the program."""
        assert not self.in_process, "steps are to be called in this process"
        self._begin(task)
        self._processes.append(Program(task, self.command(task)))
        return self._processes[-1]

    def _begin(self, task: StepTask) -> None:
        assert task.attempt in self._out, f"{task.step!r} was not given out, or has come back"
        assert task.attempt not in self._begun, f"the attempt of {task.step!r} was started before"
        self._begun.add(task.attempt)

    def wait(self, timeout: float | None) -> None:
        """Return when a program has ended, or after `timeout` seconds."""
        due = self.next_due()
        free = len(self._out) < self.max_workers
        assert not free or due is None or (timeout is not None and timeout <= due + _LATE), (
            "a step is due before"
        )
        end = None if timeout is None else time.monotonic() + timeout
        before = sum(each.poll() is not None for each in self._processes)
        while end is None or time.monotonic() < end:
            if sum(each.poll() is not None for each in self._processes) > before:
                return
            time.sleep(_PAUSE)

    def command(self, task: StepTask) -> Sequence[str]:
        """Return the command line of the program."""
        does = self._does.get(task.step, "end")
        return [sys.executable, "-c", PROGRAM, str(self.place), task.step, task.attempt, does]

    def ended(self, task: StepTask, end: StepEnd) -> None:
        """Take the end of an attempt in."""
        assert task.attempt in self._out, f"{task.step!r} was not out, or has come back before"
        step = self._out.pop(task.attempt)
        self.ends.append((step, end))
        if end.reason is Reason.COMPLETED:
            self._frontier.done(step)
        elif self._retries[step] > 0:
            self._retries[step] -= 1
            self._does.pop(step, None)
            self._again.append(step)
            self._due = time.monotonic() + self._later
        else:
            self._frontier.block(step)

    def started(self) -> list[str]:
        """Return the steps whose program has started, in order."""
        found = sorted(self.place.glob("*.started"), key=lambda path: path.stat().st_mtime_ns)
        return [each.name.split(".")[0] for each in found]

    def alive(self) -> list[int]:
        """Return the processes of programs that still run."""
        marks = (each.read_text(encoding="utf-8") for each in self.place.glob("*.started"))
        return [int(each) for each in marks if each and _lives(int(each))]


class Program:
    """A program that runs for a task; implements `dovetail.components.orchestrator.StepProcess`."""

    def __init__(self, task: StepTask, command: Sequence[str]) -> None:
        self.task = task
        self._reason: Reason | None = None
        self._kill_at: float | None = None
        self._process = subprocess.Popen(command, start_new_session=True)

    def poll(self) -> StepEnd | None:
        """Return how it ended, None while it runs."""
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._process.kill()
        code = self._process.poll()
        if code is None:
            return None
        if self._reason is not None:
            return StepEnd(self._reason)
        if code < 0:
            return StepEnd(Reason.SIGNAL, signal=-code)
        return StepEnd(Reason.COMPLETED if code == 0 else Reason.EXIT, exit_code=code)

    def cancel(self, grace: float, reason: Reason = Reason.CANCELLED) -> None:
        """Ask it to end; kill it after `grace` seconds."""
        self._reason = self._reason or reason
        self._kill_at = time.monotonic() + grace
        if grace > 0:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> StepEnd:
        """Return how it ended, once it has."""
        while (end := self.poll()) is None:
            time.sleep(_PAUSE)
        return end


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"

"""Steps as plain child processes of the launcher: for platforms where a warm process cannot fork."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dovetail.components.orchestrator import StepEnd
from dovetail.execution.processes.boot import interpreter
from dovetail.execution.processes.log_file import LogFile
from dovetail.execution.processes.started_step import StartedStep, Startup
from dovetail.records.report import Reason

_PIECE = 1 << 16
_DRAIN = 1.0


class _Child:
    """A process and the two threads that serve it: one takes its output, one waits for its end."""

    def __init__(self, step: StartedStep, process: subprocess.Popen[bytes], log: LogFile) -> None:
        self.step = step
        self.process = process
        self.log = log
        self.reason: str | None = None
        self.deadline = None if step.task.timeout is None else time.monotonic() + step.task.timeout
        self.insist_at: float | None = None
        self.kill_at: float | None = None
        self.over = False
        self.pump: threading.Thread | None = None

    def ask_to_end(self, reason: str, grace: float) -> None:
        self.reason = self.reason or reason
        self.deadline = None
        first = self.kill_at is None
        kill_at = time.monotonic() + grace
        self.kill_at = kill_at if self.kill_at is None else min(kill_at, self.kill_at)
        if first and grace > 0:
            self.insist_at = time.monotonic() + grace / 2
            _signal_group(self.process, getattr(signal, "SIGINT", None))
        self.tick(grace)

    def tick(self, grace: float) -> None:
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            self.ask_to_end(Reason.TIMEOUT.value, grace)
        elif self.insist_at is not None and now >= self.insist_at:
            self.insist_at = None
            _signal_group(self.process, getattr(signal, "SIGTERM", None))
        elif self.kill_at is not None and now >= self.kill_at:
            _signal_group(self.process, getattr(signal, "SIGKILL", None))

    def next_due(self) -> float | None:
        dues = (self.deadline, self.insist_at, self.kill_at)
        return min((each for each in dues if each is not None), default=None)

    def ending(self) -> StepEnd:
        code = self.process.returncode
        number = -code if code < 0 else None
        exit_code = code if code >= 0 else None
        if self.reason is not None:
            timeout = self.step.task.timeout
            detail = f"after {timeout:g} s" if self.reason == Reason.TIMEOUT.value and timeout else ""
            return StepEnd(Reason(self.reason), exit_code, number, detail)
        if number is not None:
            return StepEnd(Reason.SIGNAL, None, number, f"killed by {signal.Signals(number).name}")
        if exit_code == 0:
            return StepEnd(Reason.COMPLETED, 0)
        return StepEnd(Reason.EXIT, exit_code, None, f"exit status {exit_code}", self.log.last_words)


class Spawned:
    """Starts a fresh interpreter for each step; nothing is shared and nothing is warm."""

    def __init__(self, startup: Startup) -> None:
        self.notes: list[str] = []
        self._startup = startup
        self._job = ""
        self._log_directory = startup.log_directory
        self._grace = startup.grace
        self._children: dict[str, _Child] = {}
        self._news: queue.SimpleQueue[_Child | None] = queue.SimpleQueue()

    def give(self, job_path: str, log_directory: str, grace: float) -> None:
        """Name the job file, where logs go from now on, and what a timeout leaves of time."""
        self._job, self._log_directory, self._grace = job_path, log_directory, grace

    def start(self, step: StartedStep, variables: Mapping[str, str], *, fresh: bool) -> None:
        """Start an interpreter; it ends by itself when its standard input is closed with the launcher."""
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined] # noqa: SLF001 - as multiprocessing does
        command = [
            *interpreter(sys.executable, flags, "dovetail.execution.entrypoint"),
            "--job", self._job, "--task", "-", "--watch", "--framed",
            "--worker", self._startup.worker, "--argv", json.dumps(self._startup.argv),
        ]  # fmt: skip
        group: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **variables}, **group,
        )  # fmt: skip
        step.pid = process.pid
        log = LogFile(f"{self._log_directory}/{step.task.attempt}.log", self._startup.log_limit)
        child = _Child(step, process, log)
        self._children[step.task.attempt] = child
        child.pump = threading.Thread(target=self._pump, args=(child,), name="dovetail-output", daemon=True)
        child.pump.start()
        threading.Thread(target=self._await, args=(child,), name="dovetail-end", daemon=True).start()

    def end(self, step: StartedStep, grace: float, reason: str) -> None:
        """Ask the step to end."""
        if (child := self._children.get(step.task.attempt)) is not None:
            child.ask_to_end(reason, grace)

    def wait(self, timeout: float | None) -> list[StartedStep]:
        """Return the steps that ended or wrote something, as soon as there are any, or at the timeout."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            for child in self._children.values():
                child.tick(self._grace)
            try:
                news = [self._news.get(timeout=self._patience(until))]
            except queue.Empty:
                if until is not None and time.monotonic() >= until:
                    return []
                continue
            with suppress(queue.Empty):
                while True:
                    news.append(self._news.get_nowait())
            touched = {each.step.task.attempt: self._take_in(each) for each in news if each is not None}
            if touched or None in news:
                return list(touched.values())

    def wake(self) -> None:
        """End a `wait`."""
        self._news.put(None)

    def close(self, grace: float) -> None:
        """End every process."""
        for child in self._children.values():
            child.ask_to_end(Reason.CANCELLED.value, grace)
        while self._children:
            self.wait(0.1)

    def _patience(self, until: float | None) -> float | None:
        due = [each for child in self._children.values() if (each := child.next_due()) is not None]
        due += [] if until is None else [until]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _take_in(self, child: _Child) -> StartedStep:
        child.step.written = child.log.size
        if child.over and self._children.pop(child.step.task.attempt, None) is not None:
            child.log.close()
            child.step.ended = child.ending()
            if child.log.problem is not None:
                self.notes.append(f"a log is incomplete: {child.log.problem}")
        return child.step

    def _pump(self, child: _Child) -> None:
        output, given = child.process.stdout, child.process.stdin
        if output is None or given is None:
            return
        with suppress(OSError):  # it may have died before it read
            os.write(given.fileno(), child.step.task.to_json() + b"\n")
        while data := os.read(output.fileno(), _PIECE):
            child.log.write(data)
            self._news.put(child)

    def _await(self, child: _Child) -> None:
        child.process.wait()
        _signal_group(child.process, getattr(signal, "SIGKILL", None))
        if child.pump is not None:
            child.pump.join(_DRAIN)
        for stream in (child.process.stdin, child.process.stdout):
            if stream is not None and not (child.pump is not None and child.pump.is_alive()):
                with suppress(OSError):
                    stream.close()
        child.over = True
        self._news.put(child)


def _signal_group(process: subprocess.Popen[bytes], number: int | None) -> None:
    """Signal the process and, where there are groups, all in its group; elsewhere terminate it."""
    with suppress(OSError):
        if hasattr(os, "killpg") and number is not None:
            os.killpg(process.pid, number)
        else:
            process.terminate()

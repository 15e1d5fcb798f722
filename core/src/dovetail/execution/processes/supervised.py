"""Steps under a supervisor, as the launcher drives it: forked from a warm process, on Linux."""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from dovetail.components.orchestrator import StepEnd
from dovetail.errors import RunError
from dovetail.execution.processes.boot import interpreter
from dovetail.execution.processes.channel import Channel, lift
from dovetail.execution.processes.started_step import StartedStep, Startup
from dovetail.host.process_tree import (
    ATTEMPT,
    SERVICE,
    carriers,
    is_service,
    kill_all_below,
    send_signal,
)
from dovetail.records.report import Reason

COOKIE = "DOVETAIL_RUN_COOKIE"
_CLOSING = 3.0
_PAUSE = 0.2
_ANSWER = 1.5
"""How long after its grace time the end of a step is waited for; its supervisor needs a second at most."""


class Supervised:
    """The launcher's side of one supervisor."""

    def __init__(self, startup: Startup) -> None:
        self.notes: list[str] = []
        self.warm_pid: int | None = None
        self._steps: dict[str, StartedStep] = {}
        self._asked: dict[str, tuple[float, Reason]] = {}
        self._closed = False
        self._trouble = ""
        self._cookie = secrets.token_hex(16)
        ours, theirs = socket.socketpair()
        descriptor = lift(theirs.detach())
        # A run inside of a service is no service, and one inside of a step no part of it.
        environment = {key: value for key, value in os.environ.items() if key not in {SERVICE, ATTEMPT}}
        environment[COOKIE] = self._cookie
        self._process = subprocess.Popen(
            [
                *interpreter(sys.executable, ["-I", "-S"], "dovetail.execution.processes.supervisor"),
                str(os.getpid()), str(descriptor),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,), start_new_session=True, env=environment,
        )  # fmt: skip
        os.close(descriptor)
        self._channel = Channel(ours)
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._poll = select.poll()
        for each in (self._channel, self._woken):
            self._poll.register(each.fileno(), select.POLLIN)
        self._say(
            "configure", **asdict(startup), python=sys.executable,
            flags=subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined] # noqa: SLF001 - as multiprocessing does
        )  # fmt: skip

    @property
    def supervisor_pid(self) -> int:
        """Return the process id of the supervisor."""
        return self._process.pid

    def give(self, job_path: str, log_directory: str, grace: float) -> None:
        """Name the job file, where logs go from now on, and what a timeout leaves of time."""
        self._say("job", path=job_path, log_directory=log_directory, grace=grace)

    def start(self, step: StartedStep, variables: Mapping[str, str], *, fresh: bool) -> None:
        """Hand the step to the supervisor."""
        if self._channel.closed:
            self._lose()
            raise RunError(
                f"step {step.task.step!r} cannot start: {self._trouble or 'its supervisor was closed'}",
                hint="`dovetail run resume last` goes on with the run",
            )
        task = step.task
        self._steps[task.attempt] = step
        self._say(
            "start", attempt=task.attempt, task=task.to_json().decode(), timeout=task.timeout,
            fresh=fresh, variables=dict(variables),
        )  # fmt: skip

    def end(self, step: StartedStep, grace: float, reason: str) -> None:
        """Ask the supervisor to end the step; if that does not happen in time, `wait` ends everything."""
        attempt, overdue = step.task.attempt, time.monotonic() + grace + _ANSWER
        before, first = self._asked.get(attempt, (overdue, Reason(reason)))
        self._asked[attempt] = (min(before, overdue), first)
        self._demand("end", attempt=attempt, grace=grace, reason=reason)

    def wait(self, timeout: float | None) -> list[StartedStep]:
        """Return the steps that ended or wrote something, as soon as there are any, or at the timeout."""
        self._channel.flush()
        if self._channel.closed:
            return self._lose()
        return [*self._take_in(self._patience(timeout)), *self._lose()]

    def _patience(self, timeout: float | None) -> float | None:
        limits = [overdue - time.monotonic() for overdue, _ in self._asked.values()]
        return min([*limits, *([] if timeout is None else [timeout])], default=None)

    def _take_in(self, timeout: float | None) -> list[StartedStep]:
        self._listen(timeout)
        touched: dict[str, StartedStep] = {}
        for message in self._channel.receive():
            step = getattr(self, f"_on_{message.pop('event')}")(**message)
            if step is not None:
                touched[step.task.attempt] = step
        return list(touched.values())

    def _listen(self, timeout: float | None) -> None:
        for descriptor, _ in self._poll.poll(None if timeout is None else max(0.0, timeout) * 1000):
            if descriptor == self._woken.fileno():
                with suppress(BlockingIOError):
                    self._woken.recv(4096)

    def wake(self) -> None:
        """End a `wait`."""
        with suppress(OSError):
            self._waker.send(b"!")

    def close(self, grace: float) -> None:
        """End every process; returns when the supervisor is gone."""
        if self._closed:
            return
        self._closed = True
        self._demand("close", grace=grace)
        deadline = time.monotonic() + grace + _CLOSING
        while not self._channel.closed and time.monotonic() < deadline:
            self._channel.flush()
            self._take_in(min(_PAUSE, deadline - time.monotonic()))
        self._lose()
        for each in (self._woken, self._waker):
            each.close()

    def _demand(self, do: str, **content: Any) -> None:
        """Say it to a supervisor that may be stopped, which must not keep a run from its end."""
        self._channel.send({"do": do, **content})
        send_signal(self._process.pid, signal.SIGCONT)

    def _say(self, do: str, **content: Any) -> None:
        self._channel.send({"do": do, **content})
        self._channel.flush(block=True)

    def _on_warm(self, pid: int) -> None:
        self.warm_pid = pid

    def _on_note(self, text: str) -> None:
        self.notes.append(text)

    def _on_crashed(self, text: str) -> None:
        self._trouble = f"the supervisor failed\n{text}"

    def _on_grew(self, attempt: str, size: int) -> StartedStep | None:
        step = self._steps.get(attempt)
        if step is not None:
            step.written = size
        return step

    def _on_ended(
        self, attempt: str, reason: str, size: int, problem: str | None, **end: Any
    ) -> StartedStep | None:
        step = self._steps.pop(attempt, None)
        self._asked.pop(attempt, None)
        if problem is not None:
            self.notes.append(f"a log is incomplete: {problem}")
        if step is not None:
            step.written = size
            step.ended = StepEnd(reason=Reason(reason), **end)
        return step

    def _lose(self) -> list[StartedStep]:
        """Take in that the supervisor is gone, if it is: what it started must not go on unobserved."""
        overdue = any(limit <= time.monotonic() for limit, _ in self._asked.values())
        if not (self._closed or self._channel.closed or overdue):
            return []
        if self._process.returncode is None:
            self._bury()
        lost = list(self._steps.values())
        self._steps.clear()
        for step in lost:
            _, reason = self._asked.pop(step.task.attempt, (0.0, Reason.LOST))
            step.ended = StepEnd(reason=reason, detail=self._trouble)
        return lost

    def _bury(self) -> None:
        try:
            code = self._process.wait(0.0 if not self._channel.closed else _CLOSING)
        except subprocess.TimeoutExpired:
            kill_all_below(self._process.pid)
            self._process.kill()
            code = self._process.wait()
            self._trouble = self._trouble or "the supervisor of the steps did not answer and was killed"
        self._channel.close()
        if code == 0 and not self._trouble:
            return
        self._trouble = self._trouble or f"the supervisor of the steps died (exit status {code})"
        for pid in carriers(f"{COOKIE}={self._cookie}"):
            if not is_service(pid):
                send_signal(pid, signal.SIGKILL)

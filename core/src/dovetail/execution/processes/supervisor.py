"""The supervisor: a small process above all steps of a run, which owns them and ends them with the launcher.

It imports nothing but the standard library and its neighbours that do the same. As a child subreaper it
inherits what a dead step leaves behind, whatever session that moved to, and kills it; services, marked by
`DOVETAIL_SERVICE` in their environment, are left alone. Each step is a subreaper itself while it lives,
so an orphan that arrives here comes from a step that has ended.

Messages from the launcher (`do`): configure, job, start, end, close. To it (`event`): warm, note, grew,
ended, crashed. See `dovetail.execution.processes.warm` for those to and from the warm process.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from dovetail.execution.processes.channel import Channel
from dovetail.execution.processes.log_file import LogFile
from dovetail.execution.processes.starting import start_fresh, start_warm
from dovetail.execution.processes.strays import Strays, end_everything, wait_for_dead
from dovetail.execution.processes.supervised_step import Step
from dovetail.host.process_tree import (
    adopt_orphans,
    children,
    continue_without_parent,
    send_signal,
    signal_name,
)

_END_OF_ALL = 1.8
_SWEEP = 1.0
_LEAVE = 1.0
_MOST_WARM_STARTS = 4
_IMPORT_LOG_LIMIT = 1 << 20


class Supervisor:
    """Serves one launcher until it closes or dies."""

    def __init__(self, launcher: Channel) -> None:
        self._launcher = launcher
        self._setting: dict[str, Any] = {}
        self._job: str | None = None
        self._selector = selectors.DefaultSelector()
        self._steps: dict[str, Step] = {}
        self._waiting: deque[Step] = deque()
        self._ending: list[Step] = []
        self._strays = Strays()
        self._warm: Channel | None = None
        self._warm_pid: int | None = None
        self._warm_log: Step | None = None
        self._warm_ready = False
        self._warm_since = 0.0
        self._warm_starts = 0
        self._fresh_only = False
        self._closing: float | None = None
        self.over = False
        self._on(launcher, self._hear_launcher)

    def watch(self, descriptor: int, then: Callable[[], None]) -> None:
        """Call `then` whenever the descriptor has something."""
        self._on(descriptor, then)

    def serve(self) -> None:
        """Work until everything is over."""
        while not self.over:
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._reap()
            self._tick()
            for each in (self._launcher, self._warm):
                if each is not None and each.pending:
                    each.flush()

    def close(self) -> None:
        """Keep what the steps had written."""
        for step in self._steps.values():
            step.close()

    # --- the clock ---

    def _patience(self) -> float | None:
        now = time.monotonic()
        due = [each for step in self._steps.values() if (each := step.next_due()) is not None]
        if self._ending:
            due.append(now + 0.001)
        if self._closing is not None:
            due.append(self._closing)
        if self._warm is not None and not self._warm_ready:
            due.append(self._warm_since + self._setting["import_limit"])
        if self._launcher.pending or (self._warm is not None and self._warm.pending):
            due.append(now + 0.005)
        return max(0.0, min(due) - now) if due else None

    def _tick(self) -> None:
        for step in self._steps.values():
            step.tick()
            if (news := step.news()) is not None:
                self._launcher.send(news)
        if self._ending:
            self._finish_ending()
        if self._warm is not None and not self._warm_ready:
            limit = self._setting["import_limit"]
            if time.monotonic() >= self._warm_since + limit:
                self._refuse_warm(f"importing the steps' modules took longer than {limit:g} s")
        if self._closing is not None and (not self._steps or time.monotonic() >= self._closing):
            self._leave()

    # --- the launcher ---

    def _hear_launcher(self) -> None:
        for message in self._launcher.receive():
            getattr(self, f"_do_{message.pop('do')}")(**message)
        if self._launcher.closed:
            self.over = True

    def _do_configure(self, **setting: Any) -> None:
        self._setting = setting
        self._start_warm()

    def _do_job(self, path: str, log_directory: str, grace: float) -> None:
        self._job = path
        self._setting.update(log_directory=log_directory, grace=grace)
        if self._warm is not None:
            self._warm.send({"do": "job", "path": path})

    def _do_start(self, attempt: str, **content: Any) -> None:
        log = LogFile(f"{self._setting['log_directory']}/{attempt}.log", self._setting["log_limit"])
        step = Step(attempt, log=log, **content)
        self._steps[attempt] = step
        self._waiting.append(step)
        self._start_waiting()

    def _do_end(self, attempt: str, grace: float, reason: str) -> None:
        step = self._steps.get(attempt)
        if step is None:
            return
        step.ask_to_end(reason, grace)
        if step in self._waiting:
            self._waiting.remove(step)
            self._report(step)

    def _do_close(self, grace: float) -> None:
        for attempt in list(self._steps):
            self._do_end(attempt, grace, "cancelled")
        self._closing = time.monotonic() + grace + _SWEEP

    # --- the warm process ---

    def _start_warm(self) -> None:
        self._warm_starts += 1
        self._warm_since = time.monotonic()
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        self._warm_pid = start_warm(self._setting, theirs, writing)
        self._warm = Channel(ours)
        self._on(self._warm, self._hear_warm)
        log = LogFile(f"{self._setting['log_directory']}/warm.log", _IMPORT_LOG_LIMIT)
        self._warm_log = Step("warm", "", log, None, fresh=False)
        self._pump_from(self._warm_log, reading)
        self._warm.send({"do": "configure", **self._setting})
        if self._job is not None:
            self._warm.send({"do": "job", "path": self._job})
        self._launcher.send({"event": "warm", "pid": self._warm_pid})

    def _hear_warm(self) -> None:
        warm = self._warm
        if warm is None:
            return
        for message in warm.receive():
            getattr(self, f"_warm_{message.pop('event')}")(**message)
        if warm.closed and self._warm is warm:
            self._selector.unregister(warm)
            self._warm = None
            warm.close()

    def _warm_is_ready(self) -> None:
        self._warm_ready = True
        self._strays.keep_imported()
        self._start_waiting()

    def _warm_refused(self, why: str) -> None:
        self._refuse_warm(why)

    def _warm_started(self, attempt: str, pid: int) -> None:
        self._steps[attempt].started(pid, self._setting["grace"])

    def _warm_ended(self, attempt: str, status: int) -> None:
        if attempt in self._steps:
            self._exited(self._steps[attempt], status)

    def _refuse_warm(self, why: str) -> None:
        self._fresh_only = True
        self._launcher.send({"event": "note", "text": f"each step starts in a fresh process: {why}"})
        if self._warm_pid is not None:
            send_signal(self._warm_pid, signal.SIGKILL)
        self._start_waiting()

    def _warm_died(self, status: int) -> None:
        if self._warm is not None:
            self._hear_warm()
        if self._warm is not None:
            self._selector.unregister(self._warm)
            self._warm.close()
            self._warm = None
        how = signal_name(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else f"exit status {status >> 8}"
        was_ready, self._warm_ready, self._warm_pid = self._warm_ready, False, None
        self._close_warm_log()
        orphans = set(children(os.getpid()))
        for step in self._of_warm():
            step.lost = f"the process it was forked from ended ({how})"
            if step.pid is None and step.reason is None:
                self._stop_pumping(step)
                step.close()
                self._waiting.append(step)  # it announces itself before the user's code runs: it has not run
            elif step.pid in orphans:
                send_signal(step.pid, signal.SIGKILL)
            else:
                self._exited(step, None)
        if self._closing is not None or self._fresh_only:
            return
        if not was_ready or self._warm_starts >= _MOST_WARM_STARTS:
            self._refuse_warm(f"the process that imports the steps' modules ended ({how})")
        else:
            self._start_warm()

    def _of_warm(self) -> list[Step]:
        return [
            each for each in self._steps.values()
            if not each.fresh and each not in self._waiting and each not in self._ending
        ]  # fmt: skip

    def _close_warm_log(self) -> None:
        if self._warm_log is not None:
            self._stop_pumping(self._warm_log)
            self._warm_log.close()
            self._warm_log = None

    # --- starting, ending ---

    def _start_waiting(self) -> None:
        while self._waiting and self._job is not None:
            step = self._waiting[0]
            step.fresh = step.fresh or self._fresh_only
            if not step.fresh and not (self._warm_ready and self._warm is not None):
                later = next((each for each in self._waiting if each.fresh), None)
                if later is None:
                    return
                step = later
            self._waiting.remove(step)
            reading, writing = os.pipe()
            self._pump_from(step, reading)
            if step.fresh:
                step.started(start_fresh(self._setting, self._job, step, writing), self._setting["grace"])
            elif self._warm is not None:
                self._warm.send({"do": "start", "attempt": step.attempt, "task": step.task}, (writing,))

    def _pump_from(self, step: Step, reading: int) -> None:
        os.set_blocking(reading, False)
        step.pipe = reading

        def pump() -> None:
            step.pump()
            if step.pipe is None:
                self._selector.unregister(reading)

        self._on(reading, pump)

    def _stop_pumping(self, step: Step) -> None:
        if step.pipe is not None:
            self._selector.unregister(step.pipe)

    def _exited(self, step: Step, status: int | None) -> None:
        step.status = status
        step.ended_at = time.monotonic()
        self._ending.append(step)

    def _finish_ending(self) -> None:
        """Report the steps that ended, once nothing that they left behind is alive."""
        if self._strays.kill(self._own()) and time.monotonic() < self._ending[0].ended_at + _SWEEP:
            return
        ending, self._ending = self._ending, []
        for step in ending:
            self._stop_pumping(step)
            self._report(step)

    def _report(self, step: Step) -> None:
        step.close()
        del self._steps[step.attempt]
        self._launcher.send(step.ending())

    def _own(self) -> set[int | None]:
        return {self._warm_pid, *(each.pid for each in self._steps.values() if each.fresh)}

    def _reap(self) -> None:
        for pid, status in wait_for_dead():
            self._strays.kept.discard(pid)
            if pid == self._warm_pid:
                self._warm_died(status)
                continue
            for step in self._steps.values():
                if step.pid == pid and step.status is None and step not in self._ending:
                    self._exited(step, status)

    def _leave(self) -> None:
        """Let the warm process run what its modules registered with atexit; then it is over."""
        if self._warm is not None and self._warm_pid is not None:
            self._warm.send({"do": "leave"})
            deadline = time.monotonic() + (_LEAVE if self._warm_ready else 0.0)
            while time.monotonic() < deadline and os.waitpid(self._warm_pid, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
        self.over = True

    def _on(self, what: Channel | int, then: Callable[[], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, then)


def main() -> None:
    """Serve the launcher whose process id and socket are the two arguments."""
    launcher_pid, descriptor = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(descriptor, False)
    launcher = Channel(socket.socket(fileno=descriptor))
    reading, writing = os.pipe()
    for each in (reading, writing):
        os.set_blocking(each, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, not SIG_IGN: that would be inherited by every step.
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    adopt_orphans()
    continue_without_parent()
    supervisor = Supervisor(launcher)
    supervisor.watch(reading, lambda: drop(reading))
    try:
        watch = os.pidfd_open(launcher_pid)
        if os.getppid() != launcher_pid:
            return
        supervisor.watch(watch, lambda: setattr(supervisor, "over", True))
        supervisor.serve()
    except BaseException:  # noqa: BLE001 - told to the launcher, which turns it into an error
        launcher.send({"event": "crashed", "text": traceback.format_exc()})
    finally:
        end_everything(_END_OF_ALL)
        supervisor.close()


def drop(descriptor: int) -> None:
    """Read away what is there."""
    while True:
        try:
            if not os.read(descriptor, 4096):
                return
        except BlockingIOError:
            return

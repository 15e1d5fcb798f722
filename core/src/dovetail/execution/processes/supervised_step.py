"""A step as its supervisor sees it: a process, the pipe it writes to, and how it is to end."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from dovetail.execution.processes.log_file import LogFile
from dovetail.host.memory_kills import memory_kills
from dovetail.host.process_tree import send_signal, signal_name

_PIECE = 1 << 16
_LAST_DRAIN = 1 << 22
_NEWS_INTERVAL = 0.05


class Step:
    """One attempt: it waits (`pid` is None), runs, and has ended once there is a `status`."""

    # No dataclass: importing those takes a fifth of the supervisor's start.
    pid: int | None = None
    pipe: int | None = None
    status: int | None = None
    lost: str | None = None
    reason: str | None = None
    ended_at: float = 0.0
    _deadline: float | None = None
    _insist_at: float | None = None
    _kill_at: float | None = None
    _grace: float = 0.0
    _asked: bool = False
    _next_news: float = 0.0
    _news: bool = False
    _memory_kills: int | None = None

    def __init__(
        self,
        attempt: str,
        task: str,
        log: LogFile,
        timeout: float | None,
        fresh: bool,  # noqa: FBT001 - a field
        variables: dict[str, str] | None = None,
    ) -> None:
        self.attempt = attempt
        self.task = task
        self.log = log
        self.timeout = timeout
        self.fresh = fresh
        self.variables = variables or {}

    def started(self, pid: int, grace: float) -> None:
        """Note the process, whose time counts from now on; a timeout leaves it `grace` seconds to end."""
        self.pid = pid
        self._memory_kills = memory_kills()
        if self.timeout is not None:
            self._deadline = time.monotonic() + self.timeout
        if self.reason is None:
            self._grace = grace
        else:
            self.ask_to_end(self.reason, self._grace)

    def ask_to_end(self, reason: str, grace: float) -> None:
        """Send SIGINT, after half of `grace` seconds SIGTERM, then SIGKILL; a second call can only hasten it.

        SIGINT first, for Python turns it into KeyboardInterrupt. A handler for SIGTERM would be inherited
        by what the step forks, and a signal that arrives within a fork is lost to such a handler.
        """
        self.reason = self.reason or reason
        self._grace = grace
        self._deadline = None
        if self.pid is None or self.status is not None:
            return
        kill_at = time.monotonic() + grace
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
        if grace > 0 and not self._asked:
            self._asked = True
            self._insist_at = time.monotonic() + grace / 2
            send_signal(self.pid, signal.SIGINT, group=True)
        self.tick()

    def tick(self) -> None:
        """Do what is due by the clock."""
        now = time.monotonic()
        if self.status is not None or self.pid is None:
            return
        if self._deadline is not None and now >= self._deadline:
            self.ask_to_end("timeout", self._grace)
        elif self._insist_at is not None and now >= self._insist_at:
            self._insist_at = None
            send_signal(self.pid, signal.SIGTERM, group=True)
        elif self._kill_at is not None and now >= self._kill_at:
            self._kill_at = now + 1.0  # a process may need a while to die; insist
            send_signal(self.pid, signal.SIGKILL)

    def next_due(self) -> float | None:
        """Return when `tick` or `news` has something to do, by the monotonic clock."""
        dues = (self._deadline, self._insist_at, self._kill_at)
        due = [each for each in dues if each is not None and self.status is None]
        if self._news:
            due.append(self._next_news)
        return min(due, default=None)

    def pump(self) -> bool:
        """Take one piece of output from the pipe; say whether there was any. Closes a pipe at its end."""
        if self.pipe is None:
            return False
        try:
            data = os.read(self.pipe, _PIECE)
        except BlockingIOError:
            return False
        if not data:
            os.close(self.pipe)
            self.pipe = None
            return False
        before = self.log.size
        self.log.write(data)
        self._news = self._news or self.log.size > before
        return True

    def news(self) -> dict[str, Any] | None:
        """Return the message that the log grew, not too often."""
        now = time.monotonic()
        if not self._news or now < self._next_news:
            return None
        self._news, self._next_news = False, now + _NEWS_INTERVAL
        return {"event": "grew", "attempt": self.attempt, "size": self.log.size}

    def close(self) -> None:
        """Take what is left in the pipe, and close pipe and log."""
        left = _LAST_DRAIN
        while left > 0 and self.pump():
            left -= _PIECE
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None
        self.log.close()

    def ending(self) -> dict[str, Any]:
        """Return the message that the step has ended, and how."""
        exit_code = number = None
        if self.status is not None and os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
        elif self.status is not None:
            exit_code = os.waitstatus_to_exitcode(self.status)
        reason, detail = self._judged(exit_code, number)
        return {
            "event": "ended", "attempt": self.attempt, "reason": reason, "detail": detail,
            "exit_code": exit_code, "signal": number, "size": self.log.size, "problem": self.log.problem,
            "last_words": "" if exit_code == 0 else self.log.last_words,
        }  # fmt: skip

    def _judged(self, exit_code: int | None, number: int | None) -> tuple[str, str]:
        if self.reason is not None:
            return (
                self.reason,
                f"after {self.timeout:g} s" if self.reason == "timeout" and self.timeout else "",
            )
        if self.lost is not None and exit_code is None:
            return "lost", self.lost
        if number is not None:
            kills = memory_kills() if number == signal.SIGKILL else None
            if kills is not None and self._memory_kills is not None and kills > self._memory_kills:
                return "memory", "the kernel killed it: the memory of its control group was used up"
            return "signal", f"killed by {signal_name(number)}"
        return ("completed", "") if exit_code == 0 else ("exit", f"exit status {exit_code}")

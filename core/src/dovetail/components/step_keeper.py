"""The keeper of one attempt: a process that starts its command, holds it to limits, and says how it ended."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from dovetail.host.memory_kills import memory_kills
from dovetail.host.process_tree import (
    adopt_orphans,
    children,
    descendants,
    die_with_parent,
    send_signal,
)
from dovetail.host.process_usage import cpu_seconds, memory_in_use
from dovetail.redaction import Stream, register

LOG, END, CANCEL, WORK = "log", "end.json", "cancel.json", "work"
"""What lies in the directory of an attempt: its output, how it ended, a request to end, its directory."""

_TICK = 0.05
_PIECE = 1 << 16
_LAST_WORDS = 1 << 12
_BURIAL = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """What a keeper is told on its standard input. With `parent` the attempt ends when that process does.

    `confidential` are values that it is not to write down.
    """

    directory: str
    command: list[str]
    environment: dict[str, str]
    memory: int | None = None
    cpu_seconds: float | None = None
    timeout: float | None = None
    grace: float = 5.0
    log_limit: int = 64 << 20
    parent: int | None = None
    confidential: list[str] = field(default_factory=list)

    def to_json(self) -> bytes:
        """Return them as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(slots=True)
class Ending:
    """Why and by when an attempt is to end; asked first, then insisted."""

    reason: str | None = None
    detail: str = ""
    insist_at: float | None = None
    kill_at: float | None = None
    asked: bool = False

    def begin(self, reason: str, detail: str, grace: float, pid: int) -> None:
        """Send SIGINT, after half the grace SIGTERM, then SIGKILL; a second call can only hasten it."""
        if self.reason is None:
            self.reason, self.detail = reason, detail
        at = time.monotonic() + grace
        self.kill_at = at if self.kill_at is None else min(at, self.kill_at)
        if grace > 0 and not self.asked:
            self.asked = True
            self.insist_at = time.monotonic() + grace / 2
            send_signal(pid, signal.SIGINT, group=True)

    def tick(self, pid: int) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self.kill_at is not None and now >= self.kill_at:
            for each in descendants([pid]):
                send_signal(each, signal.SIGKILL)
        elif self.insist_at is not None and now >= self.insist_at:
            self.insist_at = None
            send_signal(pid, signal.SIGTERM, group=True)


@dataclass(slots=True)
class Keeper:
    """Keeps one attempt, from its start to its end."""

    told: Instructions
    ending: Ending = field(default_factory=Ending)
    _size: int = 0
    _last: bytes = b""
    _output: Stream = field(default_factory=Stream)
    _kills: int | None = None

    @property
    def _place(self) -> Path:
        return Path(self.told.directory)

    def keep(self) -> None:
        """Start the command and return when nothing of it is left and its end is written."""
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ignore)
        self._kills = memory_kills()
        (self._place / WORK).mkdir(exist_ok=True)
        with (self._place / LOG).open("ab", buffering=0) as log:
            process = self._start(log)
            if process is None:
                self._write_end({"reason": "exit", "exit_code": 127})
                return
            self._watch(process, log)
            self._bury()
            self._drain(process, log)
            self._keep(self._output.flush(), log)
        self._write_end(self._judged(process.returncode))

    def _start(self, log: Any) -> subprocess.Popen[bytes] | None:  # noqa: ANN401 - a raw file
        try:
            return subprocess.Popen(
                self.told.command,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                cwd=self._place / WORK, env=self.told.environment, start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - there are no threads
            )  # fmt: skip
        except OSError as error:
            self._take(f"cannot start {self.told.command[0]!r}: {error.strerror}\n".encode(), log)
            return None

    def _watch(self, process: subprocess.Popen[bytes], log: Any) -> None:  # noqa: ANN401 - a raw file
        output = process.stdout.fileno()  # type: ignore[union-attr] # it was asked for
        os.set_blocking(output, False)
        began = time.monotonic()
        news = select.poll()
        news.register(output, select.POLLIN)
        news.register(os.pidfd_open(process.pid), select.POLLIN)
        while process.poll() is None:
            for descriptor, _ in news.poll(_TICK * 1000):
                if descriptor == output and not self._pump(output, log):
                    news.unregister(output)
            self._look(process.pid, time.monotonic() - began)
            self.ending.tick(process.pid)

    def _look(self, pid: int, elapsed: float) -> None:
        """Begin to end the attempt where it is over a limit, or is not wanted any more."""
        told = self.told
        if told.parent is not None and os.getppid() != told.parent:
            self.ending.begin("lost", "the process that submitted it is gone", 0.0, pid)
        with suppress(OSError, ValueError):
            asked = json.loads((self._place / CANCEL).read_bytes())
            self.ending.begin("cancelled", "", float(asked["grace"]), pid)
        if self.ending.reason is not None:
            return
        if told.timeout is not None and elapsed > told.timeout:
            self.ending.begin("timeout", f"after {told.timeout:g} s", told.grace, pid)
        if told.memory is not None and (used := memory_in_use(pid, told.memory)) > told.memory:
            detail = f"it was killed because it used {used} bytes of memory, and {told.memory} are allowed"
            self.ending.begin("memory", detail, 0.0, pid)
        if told.cpu_seconds is not None and cpu_seconds(pid) > told.cpu_seconds:
            detail = f"it was ended because it used more than {told.cpu_seconds:g} s of processor time"
            self.ending.begin("timeout", detail, told.grace, pid)

    def _pump(self, output: int, log: Any) -> bool:  # noqa: ANN401 - a raw file
        """Take one piece of output; say whether more may come."""
        try:
            data = os.read(output, _PIECE)
        except BlockingIOError:
            return True
        self._take(data, log)
        return bool(data)

    def _take(self, data: bytes, log: Any) -> None:  # noqa: ANN401 - a raw file
        self._keep(self._output.feed(data), log)

    def _keep(self, data: bytes, log: Any) -> None:  # noqa: ANN401 - a raw file
        self._last = (self._last + data[-_LAST_WORDS:])[-_LAST_WORDS:]
        left = self.told.log_limit - self._size
        if left <= 0 or not data:
            return
        if len(data) > left:
            notice = f"\n[more than {self.told.log_limit} bytes: the rest of the output is left out]\n"
            data = data[:left] + notice.encode()
        with suppress(OSError):  # a full disk takes no log; the end says the rest
            log.write(data)
            self._size += len(data)

    def _drain(self, process: subprocess.Popen[bytes], log: Any) -> None:  # noqa: ANN401 - a raw file
        output = process.stdout.fileno()  # type: ignore[union-attr] # it was asked for
        with suppress(BlockingIOError):
            while data := os.read(output, _PIECE):
                self._take(data, log)

    def _bury(self) -> None:
        """Kill what the attempt left behind, again and again until nothing is left."""
        deadline = time.monotonic() + _BURIAL
        while time.monotonic() < deadline:
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            left = descendants(children(os.getpid()))
            if not left:
                return
            for pid in left:
                send_signal(pid, signal.SIGKILL)
            time.sleep(0.002)

    def _judged(self, code: int) -> dict[str, Any]:
        number = -code if code < 0 else None
        found: dict[str, Any] = {"exit_code": None if number else code, "signal": number}
        if code:
            found["last_words"] = self._last.decode("utf-8", "replace")
        if self.ending.reason is not None:
            return {**found, "reason": self.ending.reason, "detail": self.ending.detail}
        if number is not None:
            kills = memory_kills() if number == signal.SIGKILL else None
            killed = kills is not None and self._kills is not None and kills > self._kills
            return {**found, "reason": "memory" if killed else "signal"}
        return {**found, "reason": "exit" if code else "completed"}

    def _write_end(self, end: dict[str, Any]) -> None:
        shutil.rmtree(self._place / WORK, ignore_errors=True)
        draft = self._place / f".{END}"
        draft.write_text(json.dumps(end))
        draft.replace(self._place / END)


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing; unlike SIG_IGN this is not inherited by programs that are started."""


def main() -> NoReturn:
    """Keep the attempt that standard input tells of."""
    told = Instructions(**json.loads(sys.stdin.buffer.readline()))
    for each in told.confidential:
        register(each)
    Keeper(told).keep()
    sys.exit(0)


if __name__ == "__main__":
    main()

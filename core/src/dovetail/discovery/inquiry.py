"""Asking integrations from outside: requests to the child process, a limit on each, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from dovetail.errors import IntegrationError

# The folder of a script is no place for plugins: what lies there must not decide what others can use.
_BOOTSTRAP = (
    "import json, sys; sys.path += [each for each in json.loads(sys.stdin.buffer.readline()) "
    "if each not in sys.path]; from dovetail.discovery.collector import main; main()"
)
# Seconds for an interpreter and our own imports on a machine that is very busy.
START = 60.0
_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """A `result`, or the `failure` that was raised instead, or how the process ended instead (`death`)."""

    result: Any = None
    failure: dict[str, Any] = field(default_factory=dict)
    death: str = ""
    printed: str = ""

    @property
    def good(self) -> bool:
        """Say whether there is a result."""
        return not self.failure and not self.death


class Inquiry:
    """Asks one integration after the other; a culprit ends its process, and the next one gets a new one."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._child: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def ask(self, operation: str, **arguments: str) -> Answer:
        """Return the answer to one request, within the limit.

        Raises:
            IntegrationError: the process that asks does not even start.
        """
        child = self._child or self._start()
        request = {"operation": operation, "limit": self._limit, **arguments}
        try:
            line = self._exchange(child, request, self._limit)
        except queue.Empty:
            self.close()
            return Answer(death=f"did not come to an end within {self._limit:g} s")
        if not line:
            return Answer(death=self._ending(child))
        return Answer(**json.loads(line))

    def close(self) -> None:
        """End the process with all that a plugin has started in it."""
        child, self._child = self._child, None
        if child is None:
            return
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        with contextlib.suppress(OSError):
            child.stdin.close()  # type: ignore[union-attr] # it is a pipe

    def __enter__(self) -> Self:
        """Return the inquiry; the process starts with the first question."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._lines = queue.SimpleQueue()
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._child = child
        threading.Thread(target=_pump, args=(child.stdout, self._lines), daemon=True).start()
        try:
            ready = self._exchange(child, [os.path.abspath(each) for each in sys.path], START)  # noqa: PTH100 - texts
        except queue.Empty:
            ready = b""
        if not ready:
            raise IntegrationError(
                f"the process that asks integrations what they announce {self._ending(child)}",
                hint=f"try: {sys.executable} -P -c 'import dovetail.discovery.collector'",
            )
        return child

    def _exchange(self, child: subprocess.Popen[bytes], request: object, limit: float) -> bytes:
        """Send a line and return the next one, empty when the process has ended. Raises queue.Empty."""
        with contextlib.suppress(OSError):  # that it has died is seen by what it does not answer
            child.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr] # a pipe
            child.stdin.flush()  # type: ignore[union-attr] # the same
        return self._next_line(child, time.monotonic() + limit)

    def _next_line(self, child: subprocess.Popen[bytes], end: float) -> bytes:
        """Return the next line, empty once the process has ended.

        That is looked for: what a plugin started may hold the way back open for longer than the process.
        """
        while True:
            ended = child.poll() is not None
            try:
                return self._lines.get(timeout=max(0.0, min(_LOOK, end - time.monotonic())))
            except queue.Empty:
                if ended:
                    return b""
                if time.monotonic() > end:
                    raise

    def _ending(self, child: subprocess.Popen[bytes]) -> str:
        """End the process, and return how it had ended by itself."""
        code: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = child.wait(timeout=1)
        self.close()
        if code is None:
            return "closed the way back to Dovetail"
        if code < 0:
            known = {each.value: each.name for each in signal.Signals}
            return f"died from {known.get(-code, f'signal {-code}')}"
        return f"ended its process with exit code {code}"


def _pump(stream: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")

"""The spare: a forked child of the warm process that waits for an attempt, so that no step waits to fork."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_PIECE = 1 << 16


class Spare:
    """The parent's view of it."""

    def __init__(self, become: Callable[[socket.socket], NoReturn]) -> None:
        """Fork; the child calls `become` with the socket from which `hear` takes its attempt."""
        self._end, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._end.close()
            become(theirs)
        theirs.close()

    def give(self, attempt: str, task: str, output: int) -> bool:
        """Hand over an attempt and the descriptor it writes to; say whether there is still somebody."""
        message = json.dumps([attempt, task]).encode()
        with self._end:
            try:
                count = socket.send_fds(self._end, [message], [output])
                self._end.sendall(memoryview(message)[count:])
            except OSError:
                self.end()
                return False
        return True

    def end(self) -> None:
        """Let it go unused."""
        self._end.close()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def hear(end: socket.socket) -> tuple[str, str, int] | None:
    """Wait for name, task and output of an attempt; None when the parent has none any more."""
    data, descriptors, _, _ = socket.recv_fds(end, _PIECE, 1)
    while piece := end.recv(_PIECE):
        data += piece
    end.close()
    if not descriptors:
        return None
    attempt, task = json.loads(data)
    return attempt, task, descriptors[0]

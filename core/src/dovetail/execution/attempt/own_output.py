"""The output of a step that is read by nobody who knows frames: its process masks it by itself."""

from __future__ import annotations

import atexit
import os
import select
import threading

from dovetail.execution.attempt.streams import flush_streams
from dovetail.redaction import Stream, listen

_PIECE = 1 << 16
_PATIENCE = 1.0


def mask_output() -> None:
    """Mask what this process and its children write, from the first confidential value on.

    Until there is one, nothing is between the step and its output. What a killed process had written
    just before may be lost: it is still within the process.
    """
    begun: list[_OwnOutput] = []

    def begin(_: str) -> None:
        if not begun:
            begun.append(_OwnOutput())

    listen(begin)


class _OwnOutput:
    """Two pipes in place of standard output and error, and a thread for each."""

    def __init__(self) -> None:
        flush_streams()
        self._threads = [self._between(number) for number in (1, 2)]
        atexit.register(self._end)

    def _between(self, number: int) -> threading.Thread:
        target = os.dup(number)
        reading, writing = os.pipe()
        os.dup2(writing, number)
        os.close(writing)
        thread = threading.Thread(target=_pass_on, args=(reading, target), name="dovetail-mask", daemon=True)
        thread.start()
        return thread

    def _end(self) -> None:
        """Let everything out that was written; children that still write are not waited for."""
        flush_streams()
        empty = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(empty, number)
        for thread in self._threads:
            thread.join(_PATIENCE)


def _pass_on(reading: int, target: int) -> None:
    stream = Stream()
    while data := os.read(reading, _PIECE):
        _write(target, stream.feed(data))
    _write(target, stream.flush())


def _write(target: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(target, data) :]
        except BlockingIOError:
            select.select([], [target], [])
        except OSError:  # nobody takes it any more, and the step must not wait for that
            return

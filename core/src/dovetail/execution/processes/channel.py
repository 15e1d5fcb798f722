"""The channel between launcher, supervisor and warm process: JSON in lines, and descriptors."""

from __future__ import annotations

import json
import os
import select
import socket
from collections import deque
from typing import Any

_PIECE = 1 << 16
_MOST_DESCRIPTORS = 16


class Channel:
    """One end. Nothing here blocks, except `flush(block=True)`; what cannot be sent yet waits in memory.

    `descriptors` holds those that have arrived, in the order of the messages they came with. `closed`
    says that the other end is gone; sending is then without effect.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._unread = bytearray()
        self._unsent: deque[tuple[memoryview, list[int]]] = deque()
        self.descriptors: deque[int] = deque()
        self.closed = False

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    @property
    def pending(self) -> bool:
        """Say whether something waits to be sent."""
        return bool(self._unsent)

    def send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Send, now or with a later `flush`; the channel closes the descriptors once they are sent."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self._unsent.append((memoryview(line), list(descriptors)))
        self.flush()

    def flush(self, *, block: bool = False) -> None:
        """Send what waits, as far as the other end takes it; with `block`, all of it."""
        while self._unsent:
            data, descriptors = self._unsent[0]
            try:
                count = (
                    socket.send_fds(self._socket, [data], descriptors)
                    if descriptors
                    else self._socket.send(data)
                )
            except BlockingIOError:
                if not block:
                    return
                select.select([], [self._socket], [])
                continue
            except OSError:
                self._give_up()
                return
            for each in descriptors:
                os.close(each)
            if count == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = (data[count:], [])

    def receive(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived."""
        while not self.closed:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, _PIECE, _MOST_DESCRIPTORS)
            except BlockingIOError:
                break
            except OSError:
                data, descriptors = b"", []
            self.descriptors.extend(descriptors)
            if not data:
                self.closed = True
            self._unread += data
            if len(data) < _PIECE and not descriptors:
                break
        if b"\n" not in self._unread:
            return []
        *lines, rest = bytes(self._unread).split(b"\n")
        self._unread = bytearray(rest)
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Close this end; what was not sent is lost."""
        self._give_up()
        self._socket.close()
        for each in self.descriptors:
            os.close(each)
        self.descriptors.clear()

    def _give_up(self) -> None:
        self.closed = True
        for _, descriptors in self._unsent:
            for each in descriptors:
                os.close(each)
        self._unsent.clear()


def lift(descriptor: int) -> int:
    """Return the same open file under a number above those of the standard streams, which may be free."""
    low = []
    while descriptor <= 2:  # noqa: PLR2004 - standard error
        low.append(descriptor)
        descriptor = os.dup(descriptor)
    for each in low:
        os.close(each)
    return descriptor

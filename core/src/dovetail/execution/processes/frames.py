"""How the process of a step says what is confidential: in frames within its output, which no log gets.

Whatever reads the output meets a frame before anything that was written after it, by whatever thread or
child: so nobody has to wait for an answer, and it works through any pipe.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator

from dovetail.redaction import Stream, listen, register

NUL = b"\0"
_WORD = b"\0dovetail-confidential "
# Written in one piece, for POSIX keeps writes up to PIPE_BUF together; that is 4096 on Linux.
_PIECE = 1500
_LONGEST = 4096


def frames(attempt: str, value: str) -> Iterator[bytes]:
    """Yield what is to be written, each with one call, for readers of that output to mask `value`."""
    data = value.encode("utf-8", "surrogatepass")
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
    for number, piece in enumerate(pieces, 1):
        end = b"." if number == len(pieces) else b"+"
        yield b"%s%s %s%s\n" % (_WORD, attempt.encode(), piece.hex().encode(), end)


def announce(attempt: str, descriptor: int) -> Callable[[], None]:
    """Write a frame to the output for everything that is registered from now on; return what ends that.

    The descriptor is kept: a frame must not follow the output to where the step redirects it.
    """
    kept = os.dup(descriptor)
    writing = threading.Lock()  # the frames of two values must not mix

    def say(value: str) -> None:
        with writing:
            for frame in frames(attempt, value):
                _write(kept, frame)

    stop = listen(say)

    def end() -> None:
        stop()
        os.close(kept)

    return end


def _write(descriptor: int, frame: bytes) -> None:
    """Write all of a frame, also where the step has made its output one that does not wait."""
    while frame:
        try:
            frame = frame[os.write(descriptor, frame) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


class ConfidentialOutput:
    """The output of one attempt as it may be kept: without frames, and without what they say."""

    def __init__(self, attempt: str) -> None:
        self._mark = _WORD + attempt.encode() + b" "
        self._stream = Stream()
        self._held = b""
        self._value = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be kept by now of what was written."""
        data = self._held + data
        shown = bytearray()
        while (at := data.find(self._mark)) >= 0:
            shown += self._stream.feed(data[:at])
            data = data[at:]
            end = data.find(b"\n")
            if end < 0 and len(data) <= _LONGEST:
                self._held = data
                return bytes(shown)
            if end < 0 or not self._take(data[len(self._mark) : end]):
                end = len(self._mark) - 1  # somebody wrote what looks like one
            data = data[end + 1 :]
        begun = _begun(data, self._mark)
        self._held = data[begun:]
        return bytes(shown + self._stream.feed(data[:begun]))

    def flush(self) -> bytes:
        """Return what was held: nothing more comes. A frame that is not whole is left out."""
        data, self._held = self._held, b""
        rest = b"" if data.startswith(self._mark) else self._stream.feed(data)
        return rest + self._stream.flush()

    def _take(self, content: bytes) -> bool:
        try:
            self._value += bytes.fromhex(content[:-1].decode())
            if content.endswith(b"."):
                value, self._value = self._value.decode("utf-8", "surrogatepass"), b""
                register(value)
        except ValueError:  # somebody wrote what looks like one; the next begins anew
            self._value = b""
            return False
        return True


def _begun(data: bytes, mark: bytes) -> int:
    """Return where the end of `data` begins that may become a mark."""
    at = data.rfind(NUL, max(0, len(data) - len(mark) + 1))
    return at if at >= 0 and mark.startswith(data[at:]) else len(data)

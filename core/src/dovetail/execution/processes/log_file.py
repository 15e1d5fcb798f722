"""The log of one attempt: a file that exists from its first byte on and has a limit."""

# ruff: noqa: PTH103, PTH120
# The supervisor imports this, and does without pathlib.

from __future__ import annotations

import os

from dovetail import failpoints
from dovetail.execution.processes.frames import NUL, ConfidentialOutput
from dovetail.redaction import active

_LAST_WORDS = 1 << 12


class LogFile:
    """Takes whatever a step writes. Never raises for a disk that refuses: `problem` keeps what it said.

    `size` counts the bytes in the file, so a reader that was told of it can read that far. `last_words`
    is the end of what was written, whether or not the file has it. What is confidential is masked, in the
    file and in the last words. The file has `there` bytes already, of what is written again from its start.
    """

    def __init__(self, path: str, limit: int, there: int = 0) -> None:
        self.path = path
        self.size = there
        self._there = there
        self.problem: str | None = None
        self._limit = limit
        self._full = False
        self._file: int | None = None
        self._end = b""
        self._confidential: ConfidentialOutput | None = None

    @property
    def last_words(self) -> str:
        """Return the end of what was written."""
        return self._end.decode("utf-8", "replace")

    def write(self, data: bytes) -> bytes:
        """Append as much as the limit allows, and say once in the file when it does not allow all.

        Returns what can be shown of it by now: an end that may be the beginning of something confidential
        comes with the next call, or with `flush`.
        """
        if self._confidential is None and (active() or NUL in data):
            name = os.path.basename(self.path)  # noqa: PTH119 - the same
            self._confidential = ConfidentialOutput(name.removesuffix(".log"))
        if self._confidential is not None:
            data = self._confidential.feed(data)
        return self._keep(data)

    def flush(self) -> bytes:
        """Append what was held back, and return it: nothing more comes."""
        return self._keep(b"" if self._confidential is None else self._confidential.flush())

    def _keep(self, data: bytes) -> bytes:
        """Append what the file has not; return that."""
        self._end = (self._end + data[-_LAST_WORDS:])[-_LAST_WORDS:]
        known = min(self._there, len(data))
        self._there -= known
        data = data[known:]
        if data and not self._full:
            self._write(data)
        return data

    def _write(self, data: bytes) -> None:
        left = self._limit - self.size
        if len(data) > left:
            self._full = True
            notice = f"\n[more than {self._limit} bytes: the rest of the output is left out]\n"
            data = data[:left] + notice.encode()
        try:
            self._append(data)
        except OSError as error:
            self._full = True
            self.problem = f"{self.path}: {error.strerror}"

    def _append(self, data: bytes) -> None:
        if self._file is None:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o666)
        failpoints.hit("log-flush")
        while data:
            count = os.write(self._file, data)
            self.size += count
            data = data[count:]

    def fileno(self) -> int | None:
        """Return the descriptor, None while there is none."""
        return self._file

    def close(self) -> None:
        """Close the file, if there is one."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

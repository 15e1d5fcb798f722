"""What a step that runs in this process writes: kept in its log, and shown, whoever wrote it."""

from __future__ import annotations

import io
import os
import posixpath
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from dovetail.components.artifact_store import ArtifactStore
from dovetail.execution.attempt.streams import flush_streams
from dovetail.execution.processes.channel import lift
from dovetail.execution.processes.log_file import LogFile
from dovetail.records.report import StepTask, log_path

LOG_LIMIT = 64 << 20
_PIECE = 1 << 16
_PATIENCE = 0.5


def terminal(stream: TextIO | None = None) -> TextIO:
    """Return a stream to where `stream` (standard error) goes now, which no capture will redirect."""
    stream = stream or sys.stderr
    number = _descriptor(stream)
    if number not in {1, 2}:
        return stream
    where = os.dup(_true_descriptor(number))
    return open(where, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: PTH123


class Capture:
    """Redirects the descriptors 1 and 2 while a step runs, so that C code and child processes are caught too.

    One pipe and one thread serve all steps until `close`. `echo` is called in that thread with the step's
    name and what it wrote; it must not write to `sys.stdout` or `sys.stderr` (see `terminal`). What a
    step's left-over threads write after its end is shown, but belongs to no log. Of steps that run in one
    process at once (in threads, or one within the other) the last that began gets what all of them write.
    `note` is told of a log that could not be written to its end.
    """

    def __init__(
        self,
        store: ArtifactStore,
        echo: Callable[[str, bytes], None] | None = None,
        limit: int = LOG_LIMIT,
        note: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._echo = echo
        self._note = note
        self._limit = limit
        self._directories: dict[str, Path | None] = {}
        self._log: LogFile | None = None
        self._step = ""
        self._thread: threading.Thread | None = None
        self._drained = threading.Event()
        # Behind what the step wrote, this comes through the pipe when the step has ended.
        self._marker = b"\0end of output " + os.urandom(16)
        self._closing = False
        self._reading = self._writing = -1

    @contextmanager
    def attempt(self, task: StepTask) -> Iterator[None]:
        """Keep what is written within the block in the log of the attempt."""
        path = log_path(task.run_id, task.attempt)
        directory = self._directory(posixpath.dirname(path))
        name = posixpath.basename(path)
        log = LogFile(str((directory or Path(tempfile.gettempdir())) / name), self._limit)
        self._open()
        self._log, self._step = log, task.step
        redirection = _Redirection(self._writing)
        try:
            yield
        finally:
            redirection.end()
            self._drain()
            self._log = None
            self._show(log.flush())
            log.close()
            if log.problem is not None:
                self._note(f"a log is incomplete: {log.problem}")
            if directory is None and log.size:
                self._store.put(path, Path(log.path).read_bytes())
                Path(log.path).unlink()

    def descriptors(self) -> set[int]:
        """Return what is open here that no step opened."""
        return {each for each in (self._reading, self._writing, self._log and self._log.fileno()) if each}

    def close(self) -> None:
        """End the thread and close the pipe."""
        if self._thread is None:
            return
        self._closing = True
        self._drain()
        self._thread.join(_PATIENCE)
        self._forget()

    def _directory(self, path: str) -> Path | None:
        if path not in self._directories:
            self._directories[path] = self._store.log_directory(path)
        return self._directories[path]

    def _open(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._forget()
        self._closing = False
        self._reading, self._writing = map(lift, os.pipe())
        self._thread = threading.Thread(
            target=self._pump, args=(self._reading,), name="dovetail-output", daemon=True
        )
        self._thread.start()

    def _forget(self) -> None:
        if self._thread is not None:
            for each in (self._reading, self._writing):
                _close(each)
        self._thread = None

    def _drain(self) -> None:
        """Wait until everything that was written has gone through the pipe."""
        self._drained.clear()
        try:
            os.write(self._writing, self._marker)
        except OSError:  # the step closed what was not its own
            return
        while self._thread is not None and self._thread.is_alive():
            if self._drained.wait(_PATIENCE):
                return

    def _pump(self, reading: int) -> None:
        held = b""
        while True:
            try:
                data = os.read(reading, _PIECE)
            except OSError:
                return
            held += data
            while (at := held.find(self._marker)) >= 0:
                self._take(held[:at])
                held = held[at + len(self._marker) :]
                self._drained.set()
                if self._closing:
                    return
            if not data:
                return
            rest = _begun(held, self._marker)
            self._take(held[: len(held) - rest])
            held = held[len(held) - rest :]

    def _take(self, data: bytes) -> None:
        if data:
            self._show(data if self._log is None else self._log.write(data))

    def _show(self, data: bytes) -> None:
        if self._echo is not None and data:
            try:
                self._echo(self._step, data)
            except (OSError, ValueError):  # nobody can see it any more
                self._echo = None


class _Streams:
    """Standard input, output and error as they were, and the way back to them."""

    def __init__(self) -> None:
        flush_streams()
        self.descriptors = {number: _duplicate(number) for number in (0, 1, 2)}
        self._python = (sys.stdin, sys.stdout, sys.stderr)
        self._buffered = [each for each in map(_buffered, self._python[1:]) if each is not None]
        for each in self._buffered:
            each.reconfigure(line_buffering=True)

    def point_to(self, target: int) -> None:
        """Let output and error go to a descriptor."""
        flush_streams()
        for number in (1, 2):
            os.dup2(target, number)
        if _descriptor(sys.stdout) != 1:
            sys.stdout = _stream(1)
        if _descriptor(sys.stderr) != 2:  # noqa: PLR2004 - standard error
            sys.stderr = _stream(2)

    def restore(self) -> None:
        """Put everything back, also what the step closed or replaced."""
        flush_streams()
        for number, kept in self.descriptors.items():
            if kept is None:
                _close(number)
                continue
            os.dup2(kept, number)
            os.close(kept)
        stdin, stdout, stderr = self._python
        closed = stdin is not None and getattr(stdin, "closed", False)
        sys.stdin = _stream(0, "r") if closed else stdin
        sys.stdout = _stream(1) if stdout is not None and stdout.closed else stdout
        sys.stderr = _stream(2) if stderr is not None and stderr.closed else stderr
        for each in self._buffered:
            if not each.closed:
                each.reconfigure(line_buffering=False)


_lock = threading.RLock()
_redirections: list[_Redirection] = []
_streams: list[_Streams] = []
"""Those below all redirections, where there is one."""


class _Redirection:
    """Output and error go to `target` until the end, or until a later redirection begins."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._thread = threading.get_ident()
        with _lock:
            if not _redirections:
                _streams.append(_Streams())
            _redirections.append(self)
            _streams[0].point_to(target)

    def end(self) -> None:
        with _lock:
            _redirections.remove(self)
            if _redirections:
                _streams[0].point_to(_redirections[-1]._target)  # noqa: SLF001 - another one of these
            else:
                _streams.pop().restore()

    def is_elsewhere(self) -> bool:
        """Say whether it is for a step of another thread."""
        return self._thread != threading.get_ident()


def _true_descriptor(number: int) -> int:
    """Return where a standard stream goes below what redirects it for another thread."""
    with _lock:
        if not _redirections or not _redirections[-1].is_elsewhere():
            return number
        return _streams[0].descriptors[number] or number


def _buffered(stream: TextIO | None) -> io.TextIOWrapper | None:
    """Return the stream if it is one of this process's own that does not write line by line."""
    if isinstance(stream, io.TextIOWrapper) and _descriptor(stream) in {1, 2} and not stream.line_buffering:
        return stream
    return None


def _stream(number: int, mode: str = "w") -> Any:  # noqa: ANN401 - a text stream
    return open(number, mode, buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _descriptor(stream: TextIO | None) -> int | None:
    if stream is None:
        return None
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _duplicate(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None


def _close(number: int) -> None:
    try:
        os.close(number)
    except OSError:  # closed by the step already
        return


def _begun(data: bytes, marker: bytes) -> int:
    """Return how many bytes at the end of `data` may be the beginning of the marker."""
    return next(
        (size for size in range(min(len(data), len(marker) - 1), 0, -1) if data.endswith(marker[:size])), 0
    )

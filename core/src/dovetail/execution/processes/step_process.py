"""What every process of a step does, however it was started: search path, streams, signals, its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from dovetail.execution.attempt.job import Job
from dovetail.execution.attempt.own_output import mask_output
from dovetail.execution.attempt.streams import flush_streams
from dovetail.execution.attempt.unreported import EXIT_CODE, Unreported, last_words
from dovetail.execution.processes.frames import announce
from dovetail.records.report import StepTask

WORKER = "dovetail.execution.attempt.step_runner:Worker"


class Handlers:
    """The signal handlers that the user's modules set, put aside by a process that only waits."""

    def __init__(self) -> None:
        self._found: dict[int, Any] = {}

    def put_aside(self) -> None:
        """Ignore requests to end until `restore`; children are waited for, whatever a module wished."""
        for number, meanwhile in (
            (signal.SIGTERM, _ignore),
            (signal.SIGINT, _ignore),
            (signal.SIGCHLD, signal.SIG_DFL),
        ):
            self._found[number] = signal.getsignal(number)
            signal.signal(number, meanwhile)

    def restore(self) -> None:
        """Set what was put aside."""
        for number, handler in self._found.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._found.clear()


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing; unlike SIG_IGN this is not inherited by programs that are started."""


def search_path(source_root: str, script: str | None, further: Sequence[str]) -> None:
    """Let imports find what the launcher found: the script's neighbours, then the source root."""
    places = [str((Path(source_root) / script).parent)] if script else []
    for place in reversed([*places, source_root, *further]):
        if place not in sys.path:
            sys.path.insert(0, place)


def read_job(path: str) -> Job:
    """Return the job that the file holds."""
    return Job.from_json(Path(path).read_bytes())


def enter_step() -> None:
    """Make this the process of a step: streams in lines of UTF-8, and SIGINT raises KeyboardInterrupt."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    if signal.getsignal(signal.SIGINT) in {signal.SIG_DFL, signal.SIG_IGN, None}:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def disinherit() -> None:
    """Leave to the parent of this forked process what its modules registered to happen at exit."""
    atexit._clear()  # noqa: SLF001 - as multiprocessing does in its children
    for each in list(weakref.finalize._registry):  # type: ignore[attr-defined] # noqa: SLF001 - there is no public list
        each.atexit = False
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined] # noqa: SLF001 - the same
    if (processes := sys.modules.get("multiprocessing.util")) is not None:
        atexit.register(processes._exit_function)  # noqa: SLF001 - the same


def attempt(worker: Any, task: str, *, framed: bool = False) -> int:  # noqa: ANN401 - a Worker, or a stand-in
    """Make the attempt; return the exit status.

    `framed` says that whoever reads the output knows frames; else what is confidential is masked here.
    """
    given = StepTask.from_json(task)
    if framed:
        announce(given.attempt, 1)
    else:
        mask_output()
    try:
        report = worker.run(given)
    except Unreported as error:
        last_words(error.report)
        return EXIT_CODE
    return 0 if report.status.good else 1


def leave(code: int) -> NoReturn:
    """End this process: what was registered with atexit runs, threads are not waited for."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        atexit._run_exitfuncs()  # noqa: SLF001 - the same
        flush_streams()
    finally:
        os._exit(code)

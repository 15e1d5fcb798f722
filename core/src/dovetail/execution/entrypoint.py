"""One attempt in this process: `python -m dovetail.execution.entrypoint --job FILE --task JSON_OR_FILE`.

Exit status: 0 when the step completed, 1 when its report says otherwise, anything else without a report.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from dovetail.execution.job import Job
from dovetail.execution.process_tree import flush_c_streams
from dovetail.records.report import StepTask
from dovetail.references import load

WORKER = "dovetail.execution.step_runner:Worker"


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


def attempt(worker: Any, task: str) -> int:  # noqa: ANN401 - a Worker, or a stand-in for it
    """Make the attempt; return the exit status."""
    report = worker.run(StepTask.from_json(task))
    return 0 if report.status.good else 1


def flush_streams() -> None:
    """Write out what Python and C code have buffered; streams that the step closed are left alone."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    flush_c_streams()


def leave(code: int) -> NoReturn:
    """End this process: what was registered with atexit runs, threads are not waited for."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        atexit._run_exitfuncs()  # noqa: SLF001 - the same
        flush_streams()
    finally:
        os._exit(code)


def watch(descriptor: int) -> None:
    """End this process, and its group where there are groups, when the other end of the pipe is closed."""
    while os.read(descriptor, 1):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _read_line(descriptor: int) -> str:
    line = bytearray()
    while (piece := os.read(descriptor, 1 << 16)) and not piece.endswith(b"\n"):
        line += piece
    return (line + piece).decode()


def _task(text: str, *, stay: bool) -> str:
    if text == "-":
        line = _read_line(0)
        if stay:
            threading.Thread(target=watch, args=(os.dup(0),), name="dovetail-watch", daemon=True).start()
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        return line
    return text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Make the attempt that the command line names, and end this process."""
    parser = argparse.ArgumentParser(
        prog="python -m dovetail.execution.entrypoint", description="Make one attempt."
    )
    parser.add_argument("--job", required=True, help="the job file")
    parser.add_argument(
        "--task", required=True, help="the task as JSON, a file that holds it, or - for a line of input"
    )
    parser.add_argument("--worker", default=WORKER, help=argparse.SUPPRESS)
    parser.add_argument("--argv", default="[]", help=argparse.SUPPRESS)
    parser.add_argument("--watch", action="store_true", help="end when standard input is closed")
    given = parser.parse_args(arguments)
    code = 70
    try:
        task = _task(given.task, stay=given.watch)
        job = read_job(given.job)
        sys.argv = json.loads(given.argv) or [job.script or ""]
        search_path(job.source_root, job.script, job.sys_path)
        enter_step()
        # Not prepared: a module that cannot be imported is then the step's failure, with a report.
        code = attempt(load(given.worker)(job, {}, None), task)
    except BaseException:  # noqa: BLE001 - the last border before the exit
        traceback.print_exc()
    leave(code)


if __name__ == "__main__":
    main()

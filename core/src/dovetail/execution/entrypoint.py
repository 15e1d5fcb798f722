"""One attempt in this process: `python -m dovetail.execution.entrypoint --job FILE --task JSON_OR_FILE`.

Elsewhere `--errand JSON` says how to open the artifact store, and where in it job and task lie.

Exit status: 0 when the step completed, 1 when its report says otherwise, anything else without a report.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from dovetail.execution.processes.step_process import (
    WORKER,
    attempt,
    enter_step,
    leave,
    read_job,
    search_path,
)
from dovetail.references import load


def watch(descriptor: int) -> None:
    """End this process, and its group where there are groups, when the other end of the pipe is closed."""
    while os.read(descriptor, 1):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _start_watch(descriptor: int) -> None:
    """Let the descriptor be watched: by a process of this group, for C code would hold up a thread."""
    if not (hasattr(os, "fork") and os.getpgrp() == os.getpid()):
        threading.Thread(target=watch, args=(descriptor,), name="dovetail-watch", daemon=True).start()
        return
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:  # a child of nobody: the step may wait for those of its own
            for each in (1, 2):
                os.close(each)
            while os.read(descriptor, 1):
                pass
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(descriptor)


def _read_line(descriptor: int) -> str:
    line = bytearray()
    while (piece := os.read(descriptor, 1 << 16)) and not piece.endswith(b"\n"):
        line += piece
    return (line + piece).decode()


def _task(text: str, *, stay: bool) -> str:
    if text == "-":
        line = _read_line(0)
        if stay:
            _start_watch(os.dup(0))
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
    parser.add_argument("--errand", help="where to find everything, as JSON; then nothing else is needed")
    parser.add_argument("--job", help="the job file")
    parser.add_argument(
        "--task", default="-", help="the task as JSON, a file that holds it, or - for a line of input"
    )
    parser.add_argument("--worker", default=WORKER, help=argparse.SUPPRESS)
    parser.add_argument("--argv", default="[]", help=argparse.SUPPRESS)
    parser.add_argument("--framed", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--watch", action="store_true", help="end when standard input is closed")
    given = parser.parse_args(arguments)
    if given.job is None and given.errand is None:
        parser.error("name a job file, or an errand")
    code = 70
    try:
        if given.errand is not None:
            run_errand = load("dovetail.execution.remote.running:run_errand")
            leave(run_errand(given.errand, load(given.worker), json.loads(given.argv)))
        task = _task(given.task, stay=given.watch)
        job = read_job(given.job)
        sys.argv = json.loads(given.argv) or [job.script or ""]
        search_path(job.source_root, job.script, job.sys_path)
        enter_step()
        # Not prepared: a module that cannot be imported is then the step's failure, with a report.
        code = attempt(load(given.worker)(job, {}, None), task, framed=given.framed)
    except BaseException:  # noqa: BLE001 - the last border before the exit
        traceback.print_exc()
    leave(code)


if __name__ == "__main__":
    main()

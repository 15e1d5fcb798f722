"""The warm process: has imported the steps' modules, has computed nothing, and forks one child per step.

Messages from the supervisor (`do`): configure, job, start (with the descriptor the step writes to), leave.
To it (`event`): is_ready, refused, started (sent by the step itself, before the user's code runs), ended.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from dovetail.execution.attempt.script import inert, load_script
from dovetail.execution.attempt.streams import flush_streams
from dovetail.execution.processes.channel import Channel
from dovetail.execution.processes.fork_safety import obstacle
from dovetail.execution.processes.reseeding import reseed
from dovetail.execution.processes.spare import Spare, hear
from dovetail.execution.processes.step_process import (
    Handlers,
    attempt,
    disinherit,
    enter_step,
    leave,
    read_job,
    search_path,
)
from dovetail.host.c_library import c_library
from dovetail.host.process_tree import adopt_orphans, die_with_parent
from dovetail.references import load


class WarmProcess:
    """Serves one supervisor."""

    def __init__(self, supervisor: Channel) -> None:
        self._supervisor = supervisor
        self._setting: dict[str, Any] = {}
        self._worker: Any = None
        self._poll = select.poll()
        self._steps: dict[int, tuple[str, int]] = {}
        self._handlers = Handlers()
        self._spare: Spare | None = None
        self._rehearse_again: Callable[[], None] | None = None
        self._pid = os.getpid()
        self._poll.register(supervisor.fileno(), select.POLLIN)

    def serve(self) -> None:
        """Obey until told to leave, or until the supervisor is gone."""
        while not self._supervisor.closed:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._steps:
                    self._ended(descriptor)
                else:
                    for message in self._supervisor.receive():
                        getattr(self, f"_do_{message.pop('do')}")(**message)

    def _say(self, message: dict[str, Any]) -> None:
        self._supervisor.send(message)
        self._supervisor.flush(block=True)

    def _do_configure(self, **setting: Any) -> None:
        self._setting = setting
        sys.argv = list(setting["argv"])
        script = setting["script"]
        search_path(setting["source_root"], script, setting["sys_path"])
        try:
            load(setting["worker"])
            with inert():
                for module in setting["modules"]:
                    load(module)
            if script is not None:
                path = Path(setting["source_root"]) / script
                load_script(path, path.stem)
        except BaseException as error:  # noqa: BLE001 - the user's module; a step will meet it again
            self._refuse("importing the steps' modules failed\n" + _said_by(error))

    def _do_job(self, path: str) -> None:
        if self._worker is not None:
            return
        try:
            job = read_job(path)
            self._worker = load(self._setting["worker"]).prepare(job)
            self._rehearse_again = load("dovetail.execution.rehearsal:rehearse")(job, Path(path).parent)
        except BaseException as error:  # noqa: BLE001 - the same border
            self._refuse("preparing for the steps failed\n" + _said_by(error))
        flush_streams()
        why = obstacle()
        if why is not None:
            self._refuse(why)
        self._handlers.put_aside()
        gc.freeze()
        self._spare = Spare(self._become_step)
        self._say({"event": "is_ready"})

    def _do_start(self, attempt: str, task: str) -> None:
        output = self._supervisor.descriptors.popleft()
        spare, self._spare = self._spare, None
        while spare is None or not spare.give(attempt, task, output):
            spare = Spare(self._become_step)
        os.close(output)
        descriptor = os.pidfd_open(spare.pid)
        self._steps[descriptor] = (attempt, spare.pid)
        self._poll.register(descriptor, select.POLLIN)
        # The next step finds its process ready; it is forked while this one computes.
        self._spare = Spare(self._become_step)

    def _do_leave(self) -> NoReturn:
        if self._spare is not None:
            self._spare.end()
        self._handlers.restore()
        leave(0)

    def _become_step(self, end: socket.socket) -> NoReturn:
        code = 70
        try:
            os.setsid()
            die_with_parent(self._pid)
            adopt_orphans()
            for descriptor in self._steps:
                os.close(descriptor)
            disinherit()
            reseed()
            if self._rehearse_again is not None:
                self._rehearse_again()
            if (heard := hear(end)) is None:
                os._exit(0)
            name, task, output = heard
            for each in (1, 2):
                os.dup2(output, each)
            os.close(output)
            self._handlers.restore()
            enter_step()
            self._say({"event": "started", "attempt": name, "pid": os.getpid()})
            self._supervisor.close()
            code = attempt(self._worker, task, framed=True)
        except BaseException:  # noqa: BLE001 - nothing may return into the warm process
            traceback.print_exc()
        finally:
            leave(code)

    def _ended(self, descriptor: int) -> None:
        name, pid = self._steps.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._say({"event": "ended", "attempt": name, "status": status})

    def _refuse(self, why: str) -> NoReturn:
        self._say({"event": "refused", "why": why})
        os._exit(0)


def _said_by(error: BaseException) -> str:
    failure = load("dovetail.execution.attempt.failure:failure_of")(error)
    text: str = failure.traceback or failure.text
    return text.rstrip()


def main() -> None:
    """Serve the supervisor behind the descriptor that is the argument."""
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    c_library()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = WarmProcess(Channel(socket.socket(fileno=descriptor)))
    process.serve()
    os._exit(0)

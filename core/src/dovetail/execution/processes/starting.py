"""Starting interpreters from the supervisor: fork and exec, with session, death signal, descriptors."""

from __future__ import annotations

import json
import os
import socket
from typing import Any, NoReturn

from dovetail.execution.processes.boot import interpreter
from dovetail.execution.processes.supervised_step import Step
from dovetail.host.process_tree import ATTEMPT, adopt_orphans, die_with_parent


def start_warm(setting: dict[str, Any], end: socket.socket, output: int) -> int:
    """Start the warm process at the other end of `end`; both descriptors are closed here."""
    command = [*_interpreter(setting, "dovetail.execution.processes.warm"), "3"]
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            die_with_parent(parent)
            _become(command, dict(os.environ), {1: output, 2: output, 3: end.fileno()})
        finally:
            os._exit(127)
    end.close()
    os.close(output)
    return pid


def start_fresh(setting: dict[str, Any], job: str, step: Step, output: int) -> int:
    """Start a fresh interpreter that makes one attempt; `output` is closed here."""
    command = [
        *_interpreter(setting, "dovetail.execution.entrypoint"),
        "--job", job, "--task", "-", "--framed",
        "--worker", setting["worker"], "--argv", json.dumps(setting["argv"]),
    ]  # fmt: skip
    task = os.memfd_create("task", os.MFD_CLOEXEC)
    os.write(task, step.task.encode() + b"\n")
    os.lseek(task, 0, os.SEEK_SET)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            die_with_parent(parent)
            adopt_orphans()
            _become(
                command,
                {**os.environ, ATTEMPT: step.attempt, **step.variables},
                {0: task, 1: output, 2: output},
            )
        finally:
            os._exit(127)
    os.close(task)
    os.close(output)
    return pid


def _become(command: list[str], environment: dict[str, str], descriptors: dict[int, int]) -> NoReturn:
    spare = {target: os.dup(source) for target, source in descriptors.items()}
    for target, source in spare.items():
        os.dup2(source, target)
    try:
        os.execve(command[0], command, environment)  # noqa: S606 - there is no shell to be had
    except OSError as error:
        os.write(2, f"cannot start {command[0]!r}: {error.strerror}\n".encode())
        os._exit(127)


def _interpreter(setting: dict[str, Any], module: str) -> list[str]:
    return interpreter(setting["python"], setting["flags"], module)

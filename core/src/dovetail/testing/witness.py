"""The witness: a file in which steps say that they are being executed, whatever the stores say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from dovetail.execution.attempt.context import step_context

WITNESS = "DOVETAIL_TEST_WITNESS"
"""The environment variable that names the file to the steps."""


class Execution(NamedTuple):
    """One attempt whose code was entered."""

    run_id: str
    step: str
    number: int


def attest(file: str | Path | None = None) -> Execution:
    """Note in the file that the running attempt is executed; a step calls it before anything else."""
    context = step_context()
    execution = Execution(context.run_id, context.step_name, context.attempt_number)
    # One write to a file opened for appending is never mixed with another's, and survives the process.
    descriptor = os.open(file or os.environ[WITNESS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, f"{execution.run_id} {execution.number} {execution.step}\n".encode())
    finally:
        os.close(descriptor)
    return execution


def executions(file: str | Path) -> list[Execution]:
    """Return what was noted, oldest first; nothing where there is no file yet."""
    path = Path(file)
    if not path.exists():
        return []
    lines = (line.split(" ", 2) for line in path.read_text(encoding="utf-8").splitlines())
    return [Execution(run_id, step, int(number)) for run_id, number, step in lines]

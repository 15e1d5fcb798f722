"""The program `dovetail`, also as `python -m dovetail`."""

from __future__ import annotations

import sys

from dovetail.cli.main import run
from dovetail.references import load


def main() -> int:
    """Run the command line of this process and return its exit code."""
    code = run(sys.argv[1:])
    if _threads_are_left():
        load("dovetail.execution.processes.step_process:leave")(code)
    return code


def _threads_are_left() -> bool:
    """Say whether the interpreter would wait for threads, which a step in this process may have left."""
    if (threading := sys.modules.get("threading")) is None:
        return False
    return any(not each.daemon and each is not threading.main_thread() for each in threading.enumerate())


if __name__ == "__main__":
    sys.exit(main())

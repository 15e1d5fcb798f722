"""Named points where a test makes the program die, stop or fail.

`DOVETAIL_FAILPOINT=name:action[:count]` (several separated by commas) arms them; without it `hit` costs
one dictionary look-up. Actions: `kill` (SIGKILL to this process), `exit` (os._exit(70)), `stop`
(SIGSTOP), `raise` (OSError), `sleep` (60 s). `count` says at which arrival, 1 by default, and each process
counts for itself. `tell` does nothing but append a line `name process` to the file that
`DOVETAIL_FAILPOINT_LOG` names, at every arrival: so a test learns who passes where, and how often.
"""

from __future__ import annotations

import os
import signal
import time

from dovetail.references import load

NAMES = (
    "claim", "begin", "write", "rename", "report", "record", "finish", "log-flush", "cache-look-up", "retry",
    "create", "delete",
)  # fmt: skip

_ACTIONS = ("kill", "exit", "stop", "raise", "sleep", "tell")

_armed: dict[str, list[str | int]] = {}
_misread: list[str] = []


def arm(text: str) -> None:
    """Arm points of this process, and of those that are forked from it, as the variable would have.

    What cannot be understood arms nothing; the next `hit` says so, wherever that is.
    """
    for item in filter(None, text.split(",")):
        name, _, rest = item.partition(":")
        action, _, count = rest.partition(":")
        count = count or "1"
        if name and (action or "kill") in _ACTIONS and count.isdecimal() and int(count):
            _armed[name] = [action or "kill", int(count)]
        else:  # an import, where this may be, would be said to be broken
            _misread.append(item)


arm(os.environ.get("DOVETAIL_FAILPOINT", ""))


def armed() -> bool:
    """Say whether any point is armed."""
    return bool(_armed)


def hit(name: str) -> None:
    """Pass the point `name`; do what it is armed with, if it is.

    Raises:
        ConfigurationError: a point was to be armed in a way that is none.
    """
    if _misread:
        raise load("dovetail.errors:ConfigurationError")(
            f"DOVETAIL_FAILPOINT holds {_misread[0]!r}, which is no failpoint",
            hint=f"write name:action or name:action:count; actions are {', '.join(_ACTIONS)}",
        )
    if not _armed or name not in _armed:
        return
    action, left = _armed[name]
    if action == "tell":
        _tell(f"{name} {os.getpid()}\n")
        return
    _armed[name][1] = int(left) - 1
    if int(left) != 1:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "exit":
        os._exit(70)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "sleep":
        time.sleep(60)
    else:
        raise OSError(f"failpoint {name!r}")


def _tell(line: str) -> None:
    log = os.open(os.environ["DOVETAIL_FAILPOINT_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(log, line.encode())
    finally:
        os.close(log)

"""Named points where a test makes the program die, stop or fail.

`DOVETAIL_FAILPOINT=name:action[:count]` (several separated by commas) arms them; without it `hit` costs
one dictionary look-up. Actions: `kill` (SIGKILL to this process), `exit` (os._exit(70)), `stop`
(SIGSTOP), `raise` (OSError), `sleep` (60 s). `count` says at which arrival, 1 by default.
"""

from __future__ import annotations

import os
import signal
import time

NAMES = (
    "claim", "begin", "write", "rename", "report", "record", "finish", "log-flush", "cache-look-up", "retry",
)  # fmt: skip


def _parse(text: str) -> dict[str, list[str | int]]:
    armed: dict[str, list[str | int]] = {}
    for item in filter(None, text.split(",")):
        name, _, rest = item.partition(":")
        action, _, count = rest.partition(":")
        armed[name] = [action or "kill", int(count or 1)]
    return armed


_armed = _parse(os.environ.get("DOVETAIL_FAILPOINT", ""))


def armed() -> bool:
    """Say whether any point is armed."""
    return bool(_armed)


def hit(name: str) -> None:
    """Pass the point `name`; do what it is armed with, if it is."""
    if not _armed or name not in _armed:
        return
    action, left = _armed[name]
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

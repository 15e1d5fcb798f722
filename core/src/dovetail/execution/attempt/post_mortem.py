"""The post-mortem: a debugger at the frame of the user's code that raised; imported only when asked for."""

from __future__ import annotations

import sys
import traceback
from pdb import Pdb

from dovetail.execution.attempt.failure import is_users, users_frames, users_traceback


def debug(error: BaseException) -> None:
    """Show the traceback, and open a debugger on it at the innermost frame of the user's code."""
    sys.stderr.write(users_traceback(error))
    sys.stderr.flush()
    trace = users_frames(error.__traceback__)
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)]
    below = next((index for index, file in enumerate(reversed(files)) if is_users(file)), 0)
    debugger = Pdb()
    debugger.rcLines.extend(["up"] * below)
    debugger.reset()
    debugger.interaction(None, trace)

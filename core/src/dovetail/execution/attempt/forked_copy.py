"""Copies of a step's process: what `os.fork` in the user's code leaves must never publish or report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from dovetail.execution.attempt.streams import flush_streams


def call_once(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a step's result
    """Call the step's function; a copy of this process that comes back from it ends here.

    Otherwise the copy would go on as if it were the step: store outputs, and report under its attempt.
    """
    here, code = os.getpid(), 0
    try:
        return function(**arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    except BaseException:
        code = 1
        if os.getpid() != here:
            traceback.print_exc()
        raise
    finally:
        if os.getpid() != here:
            flush_streams()
            os._exit(code)

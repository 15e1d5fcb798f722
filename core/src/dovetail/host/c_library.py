"""The C library of this process, for what Python has no call for."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


@cache
def c_library() -> Any:  # noqa: ANN401 - symbols come by name
    """Return the C library of this process, None where it cannot be had."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None

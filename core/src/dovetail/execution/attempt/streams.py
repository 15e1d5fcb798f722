"""The streams of a process in which steps print, from Python and from C."""

from __future__ import annotations

import sys
from contextlib import suppress

from dovetail.host.c_library import c_library


def flush_streams() -> None:
    """Write out what Python and C code have buffered; streams that the step closed are left alone."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    library = c_library()
    if library is not None:
        library.fflush(None)

"""How long a failed step waits for its next attempt, and which ends of a process count as which exception."""

from __future__ import annotations

import random

from dovetail.materializers.type_names import class_names
from dovetail.records.plan import Retry
from dovetail.records.report import Reason

LONGEST = 86400.0
"""Seconds: a day. Growing waits stop here."""

_SPREAD = random.SystemRandom()  # not the generator that a step in this process may have seeded
_COUNTS_AS = {Reason.TIMEOUT: TimeoutError, Reason.MEMORY: MemoryError}


def wait_before_next(retry: Retry, tries: int) -> float:
    """Return the seconds between attempt number `tries`, which failed, and the next."""
    try:
        wait = retry.delay * retry.backoff ** (tries - 1)
    except OverflowError:
        wait = LONGEST if retry.delay else 0.0
    return min(LONGEST, wait + wait * retry.jitter * _SPREAD.random())


def classes_of(reason: Reason) -> tuple[str, ...]:
    """Return the classes by which `Retry.on` may name an end without exception, where there are any."""
    kind = _COUNTS_AS.get(reason)
    return tuple(class_names(kind)) if kind else ()

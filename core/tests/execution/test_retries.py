"""How long a failed step waits, and which ends count as which exception."""

from __future__ import annotations

import random

import pytest

from dovetail.execution.retries import LONGEST, classes_of, wait_before_next
from dovetail.records.plan import Retry
from dovetail.records.report import Reason


def test_the_wait_grows_by_the_backoff() -> None:
    retry = Retry(attempts=5, delay=0.5, backoff=3.0)
    assert [wait_before_next(retry, tries) for tries in (1, 2, 3)] == [0.5, 1.5, 4.5]


def test_it_is_spread_by_the_jitter_of_a_generator_that_nobody_seeds() -> None:
    retry = Retry(attempts=2, delay=2.0, jitter=0.5)
    random.seed(1)
    state = random.getstate()
    waits = [wait_before_next(retry, 1) for _ in range(50)]
    assert random.getstate() == state
    assert 2.0 <= min(waits) < max(waits) <= 3.0


@pytest.mark.parametrize(("delay", "expected"), [(1.0, LONGEST), (0.0, 0.0)])
def test_it_ends_at_a_day_however_many_tries_there_were(delay: float, expected: float) -> None:
    assert wait_before_next(Retry(attempts=10**6, delay=delay, jitter=1.0), 100_000) == expected


def test_a_timeout_and_a_lack_of_memory_may_be_named_by_their_exceptions() -> None:
    assert "builtins.TimeoutError" in classes_of(Reason.TIMEOUT)
    assert "builtins.OSError" in classes_of(Reason.TIMEOUT)
    assert "builtins.MemoryError" in classes_of(Reason.MEMORY)
    assert classes_of(Reason.SIGNAL) == classes_of(Reason.EXIT) == ()

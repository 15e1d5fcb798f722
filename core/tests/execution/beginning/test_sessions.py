"""Sessions: how long a run has worked, over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.execution.beginning.sessions import session, worked
from dovetail.names import new_id
from dovetail.records.run import AttemptRecord, RunRecord, Status
from dovetail.testing.fake_component import fake_component
from dovetail.testing.run_facts import chain, new_run

BEGAN = 1_700_000_000_000_000


def _run(**fields: Any) -> RunRecord:
    return new_run(chain("load"), **{"started": BEGAN, **fields})


def _with(*attempts: tuple[float, float | None], reason: str | None = None) -> Any:
    """Return a store that knows attempts, each from and to so many seconds after the begin."""
    records = [
        AttemptRecord(
            id=new_id(), run_id="r", step="load", number=number, status=Status.RUNNING,
            started=BEGAN + round(began * 1e6),
            finished=None if ended is None else BEGAN + round(ended * 1e6), reason=reason,
        )
        for number, (began, ended) in enumerate(attempts, 1)
    ]  # fmt: skip
    return fake_component("metadata_store", Path("unused"), attempts=records)


def test_a_run_that_has_ended_has_worked_as_long_as_it_says() -> None:
    assert worked(_run(finished=BEGAN + 9, duration=7.5), _with((0, 1000))) == 7.5


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [([], 0.0), ([(1, 4)], 4.0), ([(1, 4), (5, None)], 5.0), ([(1, 9), (5, None)], 9.0)],
)
def test_a_session_that_died_counts_up_to_the_last_that_is_recorded(
    attempts: list[tuple[float, float | None]], seconds: float
) -> None:
    assert worked(_run(), _with(*attempts)) == seconds


def test_a_lost_attempt_counts_up_to_its_start_for_its_loss_was_found_out_later() -> None:
    assert worked(_run(), _with((2, 5000), reason="lost")) == 2.0


def test_earlier_sessions_are_added_and_the_pause_before_the_last_one_is_not() -> None:
    run = _run(options=session(BEGAN + 100_000_000, 4.0))
    assert worked(run, _with((1, 4), (100, 102.5))) == 4.0 + 2.5
    assert worked(run, _with((1, 4), (5, 99))) == 4.0

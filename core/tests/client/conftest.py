"""A stack with three runs on it, and a client that looks at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail.client import Client
from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.stacks.stack import LiveStack
from dovetail.testing.recorded_run import RecordedRun, three_runs


@pytest.fixture
def stack() -> Iterator[LiveStack]:
    """The live default stack."""
    with assemble(active_stack_record()) as stack:
        yield stack


@pytest.fixture
def recorded(stack: LiveStack) -> Iterator[list[RecordedRun]]:
    """A completed run, a failed one, and one that is going on."""
    with three_runs(stack) as runs:
        yield runs


@pytest.fixture
def client(recorded: list[RecordedRun]) -> Iterator[Client]:
    """A client of the active stack, as a user makes it."""
    with Client() as client:
        yield client

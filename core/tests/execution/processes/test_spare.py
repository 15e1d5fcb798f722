"""Tests of the child that waits for an attempt."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import NoReturn

import pytest

from dovetail.execution.processes.spare import Spare, hear

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


def _obey(end: socket.socket) -> NoReturn:
    """Write what was heard to the output that came with it."""
    try:
        heard = hear(end)
        if heard is None:
            os._exit(3)
        attempt, task, output = heard
        os.write(output, f"{attempt} {len(task)}".encode())
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.parametrize("size", [0, 3_000_000])
def test_an_attempt_of_any_size_is_handed_over_with_its_output(size: int) -> None:
    spare = Spare(_obey)
    reading, writing = os.pipe()
    assert spare.give("a1", "x" * size, writing)
    os.close(writing)
    assert os.read(reading, 100) == f"a1 {size}".encode()
    os.close(reading)
    assert os.waitpid(spare.pid, 0)[1] == 0


def test_a_spare_that_was_killed_takes_nothing() -> None:
    spare = Spare(_obey)
    os.kill(spare.pid, signal.SIGKILL)
    os.waitid(os.P_PID, spare.pid, os.WEXITED | os.WNOWAIT)
    reading, writing = os.pipe()
    assert not spare.give("a1", "task", writing)
    for each in (reading, writing):
        os.close(each)


def test_a_spare_that_is_not_needed_is_ended() -> None:
    spare = Spare(_obey)
    spare.end()
    with pytest.raises(ChildProcessError):
        os.waitpid(spare.pid, 0)


def test_a_spare_ends_with_its_parent_s_end_of_the_socket() -> None:
    spare = Spare(_obey)
    spare._end.close()
    assert os.waitstatus_to_exitcode(os.waitpid(spare.pid, 0)[1]) == 3

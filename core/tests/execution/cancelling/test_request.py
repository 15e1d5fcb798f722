"""Requests to cancel: who is heard, what insists, and what is left as it was."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dovetail.execution.cancelling.request import CancelRequest


@contextmanager
def handler(number: int, what: signal.Handlers) -> Iterator[None]:
    before = signal.signal(number, what)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_a_signal_is_a_request_and_handlers_come_back() -> None:
    cancel, before = CancelRequest(), signal.getsignal(signal.SIGTERM)
    with cancel.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        assert cancel.requested()
        assert not cancel.insisted()
        assert cancel.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("numbers", "insisted", "first"),
    [
        ((signal.SIGINT, signal.SIGINT), True, signal.SIGINT),
        ((signal.SIGTERM, signal.SIGINT), True, signal.SIGTERM),
        ((signal.SIGHUP, signal.SIGHUP), False, signal.SIGHUP),
        ((signal.SIGTERM, signal.SIGHUP), False, signal.SIGTERM),
        ((None, signal.SIGINT), False, signal.SIGINT),
    ],
)
def test_a_terminal_that_closes_and_a_request_from_elsewhere_do_not_insist(
    numbers: tuple[int | None, ...], insisted: bool, first: int
) -> None:
    cancel = CancelRequest()
    for number in numbers:
        cancel.request(number)
    assert (cancel.insisted(), cancel.signal) == (insisted, first)


def test_each_request_ends_a_wait() -> None:
    cancel, heard = CancelRequest(), []
    cancel.wake = lambda: heard.append(True)
    cancel.request()
    cancel.request(insist=True)
    assert len(heard) == 2
    assert cancel.insisted()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_the_process_was_told_to_ignore_stays_ignored(number: int) -> None:
    cancel = CancelRequest()
    with handler(number, signal.SIG_IGN), cancel.listening():
        os.kill(os.getpid(), number)
        assert not cancel.requested()


def test_another_thread_than_the_main_one_hears_no_signals() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def listen() -> None:
        cancel = CancelRequest()
        with cancel.listening():
            seen.append((cancel.main, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_who_asks_on_although_nothing_happens_gets_out() -> None:
    cancel = CancelRequest()
    with handler(signal.SIGINT, signal.default_int_handler), cancel.listening():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        assert cancel._insisted_at is not None
        cancel._insisted_at -= 3.0
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_no_signal_is_raised_outside_of_a_step() -> None:
    cancel = CancelRequest()
    with handler(signal.SIGINT, signal.default_int_handler), cancel.listening():
        os.kill(os.getpid(), signal.SIGINT)
        cancel.interrupt()
        assert not cancel.in_step()
    assert cancel.interruptions == 0

"""A wish that the run ends, by a signal or from elsewhere, which the launcher sees and its step may feel."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dovetail.execution.attempt.step_runner import AROUND_STEP
from dovetail.host.c_library import c_library

GRACE = 10.0
"""Seconds that steps have to end, where their orchestrator does not say otherwise."""
_COUNTED = {signal.SIGINT, signal.SIGTERM}
"""Signals that insist when they come again. A terminal that closes may well send SIGHUP twice."""
_LISTENED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_OBEYED_WITHIN = 2.0


class CancelRequest:
    """Asked once, the run is to end in good order; asked again, at once.

    `wake` is called on each request, from signal handlers and other threads: it must only end a wait.
    `signal` is the first that came, None where the wish came from elsewhere. `interruptions` counts how
    often the step in the listening thread was interrupted; `main` says whether that is the main thread.
    """

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.signal: int | None = None
        self.interruptions = 0
        self.main = False
        self._asked = False
        self._insisted_at: float | None = None
        self._handled: tuple[int, ...] = ()
        self._thread = threading.get_ident()
        self._nudging = False
        self._once = False

    def request(self, number: int | None = None, *, insist: bool = False) -> None:
        """Ask, as the signal `number` does or in another way; with `insist` for an end at once."""
        if insist or (self._asked and number in _COUNTED and self.signal in _COUNTED):
            self._insisted_at = self._insisted_at or time.monotonic()
        self._asked = True
        self.signal = self.signal or number
        self.wake()

    def requested(self) -> bool:
        """Say whether anybody asked."""
        return self._asked

    def insisted(self) -> bool:
        """Say whether anybody asked twice."""
        return self._insisted_at is not None

    @contextmanager
    def listening(self, *, in_process: bool = False) -> Iterator[None]:
        """Turn signals into requests within the block; only the main thread can.

        A step that runs in this thread meanwhile is interrupted as well; with `in_process`, where nobody
        else could end it, a signal that comes twice while it is deep in C code ends the process. What the
        process was told to ignore, by `nohup` or as a job in the background, stays ignored.
        """
        self._thread = threading.get_ident()
        self.main = threading.current_thread() is threading.main_thread()
        self._once = in_process and not hasattr(sys, "ps1")
        before: dict[int, Any] = {}
        try:
            if self.main:
                for each in _LISTENED:
                    if signal.getsignal(each) not in {signal.SIG_IGN, None}:
                        before[each] = signal.signal(each, self._handle)
                        self._arm(each)
            self._handled = tuple(before)
            yield
        finally:
            self._handled = ()
            for number, handler in before.items():
                signal.signal(number, handler)

    def in_step(self) -> bool:
        """Say whether the thread that listens is in a step."""
        return _is_around_step(sys._current_frames().get(self._thread))  # noqa: SLF001 - documented in spite of its name

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the step that the listening thread is in; called from another one."""
        ours = next((each for each in self._handled if signal.getsignal(each) == self._handle), None)
        if ours is not None and hasattr(signal, "pthread_kill"):  # a signal also ends a sleep
            self._nudging = True
            signal.pthread_kill(self._thread, ours)
        elif self.in_step():
            kind, thread = ctypes.py_object(KeyboardInterrupt), ctypes.c_ulong(self._thread)
            self.interruptions += 1
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, kind)

    def _arm(self, number: int) -> None:
        """Let C handle the next signal of this number as before, and the one after that by the default.

        The default is taken back when Python gets to handle the first; in a loop in C it never does.
        """
        once = getattr(c_library(), "sysv_signal", None) if self._once else None
        if once is not None:
            once.restype, once.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p)
            once(number, once(number, int(signal.SIG_IGN)))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._once:
            signal.signal(number, self._handle)
            self._arm(number)
        nudged, self._nudging = self._nudging, False
        around = _is_around_step(frame)
        self.interruptions += around  # before anybody is woken who may interrupt as well
        if not nudged:
            if self._insisted_at is not None and time.monotonic() > self._insisted_at + _OBEYED_WITHIN:
                raise KeyboardInterrupt  # the launcher itself hangs: the way out of anything
            self.request(number)
        if around:
            raise KeyboardInterrupt


def program_was_interrupted() -> bool:
    """Say whether the main thread, while others go on, has ended through Ctrl-C."""
    return not threading.main_thread().is_alive() and getattr(sys, "last_type", None) is KeyboardInterrupt


def _is_around_step(frame: FrameType | None) -> bool:
    """Say whether a frame is that of a step, or of anything that it called."""
    while frame is not None:
        if frame.f_code is AROUND_STEP:
            return True
        frame = frame.f_back
    return False

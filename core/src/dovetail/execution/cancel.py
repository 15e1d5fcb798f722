"""A person's or a system's wish that the run ends: SIGINT and SIGTERM become a request the launcher sees."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class CancelRequest:
    """Asked once, the run is to end in good order; asked again, at once.

    `wake` is called on each request, from the signal handler: it must only end a wait.
    """

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.signal: int | None = None
        self._times = 0
        self._raise = False

    def request(self, number: int | None = None) -> None:
        """Ask."""
        self._times += 1
        self.signal = number or self.signal
        self.wake()

    def requested(self) -> bool:
        """Say whether anybody asked."""
        return self._times > 0

    def insisted(self) -> bool:
        """Say whether anybody asked twice."""
        return self._times > 1

    @contextmanager
    def listening(self, *, raise_in_step: bool) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into requests within the block; only the main thread can.

        With `raise_in_step` the step that runs in this process is interrupted as well.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._raise = raise_in_step
        before = {each: signal.signal(each, self._handle) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.request(number)
        if self._raise:
            raise KeyboardInterrupt

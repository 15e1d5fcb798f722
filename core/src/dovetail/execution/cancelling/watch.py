"""The watch of a run: sees requests to cancel from elsewhere, and to it that a step in this process obeys."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from dovetail.components.artifact_store import ArtifactStore
from dovetail.execution.cancelling.request import CancelRequest, program_was_interrupted
from dovetail.records.request import request_path
from dovetail.records.run import RunRecord

PERIOD = 0.5
_JOIN = 1.0


class CancelWatch:
    """A thread that looks twice a second; a run that is shorter than that has none.

    `end` is called in that thread when a step that runs in the launcher's own thread does not obey within
    `grace` seconds: it ends the process. A process in which somebody works at a prompt stays, and so does
    one whose main thread does something else: there the step is interrupted again and again. `tell` is
    called, once and in that thread, when somebody has asked and steps have time.
    """

    def __init__(
        self,
        cancel: CancelRequest,
        store: ArtifactStore,
        run: RunRecord,
        *,
        grace: float,
        end: Callable[[], None],
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self.trouble: str | None = None
        self._cancel = cancel
        self._store = store
        self._request = request_path(run.id, run.epoch)
        self._insistence = request_path(run.id, run.epoch, insist=True)
        self.grace = grace
        self._end = end
        self._tell = tell
        self._began = time.monotonic()
        self._since: float | None = None
        self._over = threading.Event()
        self._woken = queue.SimpleQueue[None]()  # it may be used by a signal handler at any moment
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="dovetail-cancel", daemon=True)
            self._thread.start()

    def keep(self) -> None:
        """Begin to watch if the run has lasted a while; called again and again."""
        if self._thread is None and time.monotonic() > self._began + PERIOD:
            self.start()

    def wake(self) -> None:
        """Let it see at once that somebody asked."""
        self._woken.put(None)

    def close(self) -> None:
        """End the watch; it does nothing to this process afterwards."""
        self._over.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def _watch(self) -> None:
        due, told = time.monotonic() + PERIOD, False
        while not self._over.is_set():
            with suppress(queue.Empty):
                self._woken.get(timeout=max(0.0, due - time.monotonic()))
            if self._over.is_set():
                return
            if time.monotonic() >= due:
                due = time.monotonic() + PERIOD
                self._act()
            if self._cancel.requested() and not (told or self._cancel.insisted()):
                told = True
                self._tell()

    def _act(self) -> None:
        if not self._cancel.insisted():
            self._look()
        if self._cancel.requested():
            self._see_to_it()

    def _look(self) -> None:
        try:
            if self._store.size(self._request) is not None:
                insist = self._store.size(self._insistence) is not None
                if insist or not self._cancel.requested():
                    self._cancel.request(insist=insist)
        except Exception as error:  # noqa: BLE001 - a store of a plugin; the run goes on without this
            self.trouble = f"requests to cancel the run from elsewhere are not seen: {error}"
        if not self._cancel.requested() and program_was_interrupted():
            self._cancel.request()

    def _see_to_it(self) -> None:
        """Interrupt the step in the launcher's thread, again after half of the grace time, then end it."""
        now = time.monotonic()
        self._since = self._since or now
        if self._over.is_set() or not self._cancel.in_step():
            return
        waited = now - self._since
        hurry = self._cancel.insisted() or waited >= self.grace
        done = self._cancel.interruptions
        if not done or (done == 1 and (hurry or waited >= self.grace / 2)):
            self._cancel.interrupt()
        elif hurry and self._cancel.main and not hasattr(sys, "ps1"):
            self._end()
        elif hurry:  # somebody works in this process, or it does other things as well
            self._cancel.interrupt()

"""A lock on a run that a session of a database server has, kept through restarts of the server."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

Session: TypeAlias = Any
"""A connection of the driver."""

HEARTBEAT = 10.0
"""After how many seconds without a word the server is asked whether it is there."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2
_PATIENCE = 5.0


class Locks(Protocol):
    """What a store does with the sessions that hold its locks; drivers' errors come out as they are."""

    def take(self, run_id: str) -> Session | None:
        """Return a new session that has the lock of a run; None while another one has it."""

    def give_up(self, session: Session, run_id: str) -> None:
        """Free the lock and end the session."""

    def ping(self, session: Session) -> None:
        """Raise unless the session is there."""

    def socket_of(self, session: Session) -> int:
        """Return the number of the session's socket."""

    def epoch_of(self, run_id: str) -> int | None:
        """Return the epoch of a run, None where it is not known."""


class SessionHold:
    """A lock on a run, held by a session of its own.

    `keep` starts the thread that takes the lock again when the session is lost, unless the run's epoch
    has changed by then: somebody else has taken the run, and every write will say so.
    """

    def __init__(self, locks: Locks, run_id: str, session: Session) -> None:
        self._locks = locks
        self._run_id = run_id
        self._session: Session | None = session
        self._pid = os.getpid()
        self._released = threading.Event()
        self._thread: threading.Thread | None = None
        self._epoch = 0

    @property
    def live(self) -> bool:
        """Say whether this process means to have the lock: a lost session is made anew."""
        return not self._released.is_set() and self._pid == os.getpid()

    def keep(self, epoch: int) -> None:
        """Keep the lock for a lease of this epoch."""
        self._epoch = epoch
        self._bell, self._ringer = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, name="dovetail-lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the lock up; may be called twice."""
        if not self.live:
            return
        self._released.set()
        if self._thread is not None:
            self._ringer.send(b"!")  # closing does not ring: a forked child may have the other end, too
            self._thread.join(_PATIENCE)
            self._ringer.close()
            self._bell.close()
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # an error of any driver: then the session is over, and the lock free
                self._locks.give_up(session, self._run_id)

    def _watch(self) -> None:
        while self._wait():
            try:
                self._locks.ping(self._session)
            except Exception:  # noqa: BLE001 - an error of any driver: the session is lost
                if not self._regain():
                    return

    def _wait(self) -> bool:
        """Wait until the server says something, or for a heartbeat; say whether the lock is still wanted."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            with suppress(Exception):  # closed already: the ping tells
                selector.register(self._locks.socket_of(self._session), selectors.EVENT_READ)
                selector.select(HEARTBEAT)
        return not self._released.is_set()

    def _regain(self) -> bool:
        """Take the lock again in a new session; say whether there is one."""
        lost, self._session = self._session, None
        with suppress(Exception):
            self._locks.give_up(lost, self._run_id)
        pause = _FIRST_PAUSE
        while not self._released.wait(pause):
            pause = min(2 * pause, _LONGEST_PAUSE)
            with suppress(Exception):  # an error of any driver: the server is not back yet
                session = self._locks.take(self._run_id)
                if not self._is_ours(session):
                    return False
                if session is not None:
                    self._session = session
                    return True
        return False

    def _is_ours(self, session: Session | None) -> bool:
        """Say whether nobody has taken the run meanwhile; a session is ended unless that is known."""
        ours = False
        try:
            ours = self._locks.epoch_of(self._run_id) == self._epoch
        finally:
            if session is not None and not ours:
                self._locks.give_up(session, self._run_id)
        return ours

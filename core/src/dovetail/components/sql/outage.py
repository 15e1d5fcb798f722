"""The time in which a server is away: noticed once, waited for once, whoever asks meanwhile."""

from __future__ import annotations

import logging
import time

_log = logging.getLogger("dovetail")


class Outage:
    """Whether the server of a store is away, as far as the store's calls have noticed.

    All threads share it. Each change is one operation on a dict, which no other thread can divide: a lock
    could stay locked for ever in a child that was forked meanwhile.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._since: dict[str, float] = {}

    def waited_for(self, patience: float) -> bool:
        """Note that the server did not answer; say whether it is still worth waiting for.

        The patience begins when the first call notices, and is whole again once the server has answered.
        A person is told when a second one was in vain.
        """
        if patience <= 0:
            return False
        now = time.monotonic()
        since = self._since.setdefault("noticed", now)
        # A single connection that was dropped is not worth a word. The very object: no other thread told it.
        if since is not now and self._since.setdefault("told", now) is now:
            _log.warning(
                "metadata store %r does not answer; waiting for it, up to %g s", self._name, patience
            )
        return now - since < patience

    def end(self) -> None:
        """Note that the server has answered."""
        if self._since:
            self._since.pop("noticed", None)
            if self._since.pop("told", None) is not None:
                _log.warning("metadata store %r answers again", self._name)

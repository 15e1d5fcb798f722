"""Sockets of connections to a server, which a forked child must neither use, nor close, nor keep open."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_tracked: WeakKeyDictionary[Any, Callable[[Any], int]] = WeakKeyDictionary()


def track(connection: object, socket_of: Callable[[Any], int]) -> None:
    """See that children which are forked lose their copy of the connection's socket.

    A server frees the locks of a session when the last copy of its socket is closed.
    """
    _tracked[connection] = socket_of


def _after_fork() -> None:
    """Put an unconnected socket in the place of each: the driver may go on to close what it has."""
    for connection, socket_of in list(_tracked.items()):
        try:
            number = socket_of(connection)
        except Exception:  # noqa: BLE001, S112 - a driver's word for: it is closed
            continue
        with socket.socket() as deaf:
            os.dup2(deaf.fileno(), number, inheritable=False)
    _tracked.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""Calls of a store that are made again when the connection to its server was lost, or others were faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from dovetail.errors import StoreError

P = ParamSpec("P")
R = TypeVar("R")


class Persistent(Protocol):
    """A store that knows which of its errors pass."""

    def pause(self, error: BaseException | None, tries: int, waited: float) -> float | None:
        """Return for how many seconds to wait before a call is made again; None: the error stays."""


S = TypeVar("S", bound=Persistent)


def persistent(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a method that may be repeated: it is idempotent, or its transaction was undone.

    What decides is the driver's error behind the StoreError: `pause` of the store is asked about that.
    """

    @wraps(method)
    def persist(store: S, /, *args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - what the method gives
        tries, start = 0, time.monotonic()
        while True:
            try:
                return method(store, *args, **kwargs)
            except StoreError as error:
                tries += 1
                pause = store.pause(error.__cause__, tries, time.monotonic() - start)
                if pause is None:
                    raise
            time.sleep(pause)

    return persist

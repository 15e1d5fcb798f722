"""Random generators: fresh entropy for a step, and their earlier states for a process that goes on."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any


def reseed() -> None:
    """Reseed the global generators of the libraries that this process has loaded."""
    random.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "seed"):
        torch.seed()


class Generators:
    """The global generators of this process, which steps borrow; the first `renew` keeps their states."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[Callable[[Any], object], Any]] = {}

    def renew(self) -> None:
        """Reseed for the next step."""
        self._keep("random", "getstate", "setstate")
        self._keep("numpy.random", "get_state", "set_state")
        self._keep("torch", "get_rng_state", "set_rng_state")
        reseed()

    def restore(self) -> None:
        """Give each generator the state it had; those of libraries that were loaded since have none."""
        for put, state in self._states.values():
            put(state)
        self._states.clear()

    def _keep(self, module: str, get: str, put: str) -> None:
        found = sys.modules.get(module)
        if found is not None and module not in self._states and hasattr(found, get):
            self._states[module] = (getattr(found, put), getattr(found, get)())

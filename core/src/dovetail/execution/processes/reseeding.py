"""Random generators of a forked process: what was copied from the parent is replaced by fresh entropy."""

from __future__ import annotations

import random
import sys


def reseed() -> None:
    """Reseed the global generators of the libraries that this process has loaded."""
    random.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "seed"):
        torch.seed()

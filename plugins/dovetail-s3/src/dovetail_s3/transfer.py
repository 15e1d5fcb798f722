"""An object on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Transfer:
    """An object, and how it moves: `ahead` parts of `part` bytes at a time, each tried `attempts` times."""

    filesystem: Any
    bucket: str
    key: str
    part: int
    ahead: int
    attempts: int

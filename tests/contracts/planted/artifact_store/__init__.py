"""Faults of artifact stores."""

from __future__ import annotations

from planted.artifact_store import reading, writing
from planted.artifact_store.kit import CORRECT, FAULTS

__all__ = ["CORRECT", "FAULTS", "reading", "writing"]

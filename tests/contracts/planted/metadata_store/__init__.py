"""Faults of metadata stores."""

from __future__ import annotations

from planted.metadata_store import asking, leases, recording
from planted.metadata_store.kit import CORRECT, FAULTS

__all__ = ["CORRECT", "FAULTS", "asking", "leases", "recording"]

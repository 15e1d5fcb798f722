"""A path of this machine as a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _anchored(path: Path) -> Path:
    return path.expanduser().absolute()


LocalPath = Annotated[Path, AfterValidator(_anchored)]
"""A path of this machine, anchored where it was said: runs and steps may start in any directory."""

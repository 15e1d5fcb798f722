"""Directories for loaded values that are files, removed with the process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def scratch_directory(within: Path | None = None) -> Path:
    """Return a new empty directory inside `within`, which is made if need be and which its owner removes.

    Without `within` it lies where temporary files do, and is removed when the process ends.
    """
    if within is not None:
        within.mkdir(parents=True, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="dovetail-", dir=within)
    if within is None:
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)

"""The scratch directory of a run: files of this machine that nobody needs when the run is over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dovetail.errors import StoreError


def make_scratch() -> Path:
    """Return a new directory where temporary files go.

    Raises:
        StoreError: there is no place for one.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="dovetail-run-"))
    except OSError as error:
        raise _refused("a scratch directory cannot be made", error) from error


def write_scratch(path: Path, data: bytes) -> None:
    """Write a file in it.

    Raises:
        StoreError: it cannot be written whole; nothing is left of it then.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _refused(f"cannot write {len(data)} bytes to {str(path)!r}", error) from error


def _refused(what: str, error: OSError) -> StoreError:
    return StoreError(
        f"{what}: {error.strerror or error}",
        hint="free space where temporary files go, or name another place for them: TMPDIR=/path/of/it",
    )

"""Programs that tests need: where one is missing a test is skipped, or fails where all must be there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

_FURTHER = ("/usr/sbin", "/usr/bin")


def missing(why: str) -> NoReturn:
    """Skip the test; fail it where DOVETAIL_REQUIRE_REAL is set, as in continuous integration."""
    if os.environ.get("DOVETAIL_REQUIRE_REAL", "0") not in {"", "0"}:
        pytest.fail(why)
    pytest.skip(why)


def program(name: str, install: str, folders: Iterable[Path] = ()) -> str:
    """Return the path of a program, of `folders` first; `install` is the command that brings it."""
    places = [*map(str, folders), os.environ.get("PATH", os.defpath), *_FURTHER]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        missing(f"{name} is missing: {install}")
    return found

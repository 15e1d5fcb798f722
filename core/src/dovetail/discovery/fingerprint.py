"""A cheap look at what is installed, by which a kept index is known to be still true.

Names of distributions, time and size of their entry points, and the interpreter: a `scandir` of each
folder on the path and a `stat` for each distribution, no file opened.
"""

from __future__ import annotations

import binascii
import os
import sys
from collections.abc import Iterable

_ENDINGS = (".dist-info", ".egg-info")


def interpreter() -> str:
    """Return what tells this interpreter and environment from others."""
    return f"{sys.implementation.cache_tag} {sys.version} {sys.prefix}"


def take(paths: Iterable[str] | None = None) -> tuple[str, list[str]]:
    """Return a name for the set of places that hold distributions, and a line for each distribution.

    `paths` is `sys.path` unless given. Places without distributions, such as a script's own folder, do
    not count, so that one index serves every script.
    """
    lines: list[str] = []
    places: list[str] = [interpreter()]
    for path in dict.fromkeys(os.path.abspath(path) for path in (sys.path if paths is None else paths)):  # noqa: PTH100 - pathlib costs milliseconds
        if found := _distributions(path):
            places.append(path)
            lines.append(path)
            lines.extend(found)
    name = f"{binascii.crc32(os.fsencode(chr(10).join(places))):08x}"
    return name, [places[0], *lines]


def _distributions(path: str) -> list[str]:
    """Return a line for each distribution in the folder (or archive) `path`, in a fixed order."""
    try:
        with os.scandir(path) as entries:
            found = [
                entry.path for entry in entries if entry.name.endswith(_ENDINGS) or entry.name == "EGG-INFO"
            ]
    except NotADirectoryError:
        return [stamp(path)]
    except OSError:
        return []
    return sorted(f"{os.path.basename(each)} {stamp(each + '/entry_points.txt')}" for each in found)  # noqa: PTH119 - the same


def stamp(file: str) -> str:
    """Return time and size of a file as text, `-` where it cannot be seen."""
    try:
        status = os.stat(file)  # noqa: PTH116 - the same
    except OSError:
        return "-"
    return f"{status.st_mtime_ns} {status.st_size}"

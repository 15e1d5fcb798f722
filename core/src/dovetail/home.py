"""Where the files of this user lie that belong to no repository."""

from __future__ import annotations

import os
import sys


def home_directory() -> str:
    """Return DOVETAIL_HOME, or the folder the platform has for a user's data; it need not exist yet.

    A text, not a Path: commands that only list something start before pathlib is imported.
    """
    if given := os.environ.get("DOVETAIL_HOME"):
        return os.path.abspath(os.path.expanduser(given))  # noqa: PTH100, PTH111 - pathlib costs milliseconds
    return os.path.join(_data_directory(), "dovetail")  # noqa: PTH118 - the same


def _data_directory() -> str:
    if sys.platform == "win32":
        place = os.environ.get("LOCALAPPDATA") or r"~\AppData\Local"
    elif sys.platform == "darwin":
        place = "~/Library/Application Support"
    else:
        # The XDG specification: a relative path is to be ignored.
        given = os.environ.get("XDG_DATA_HOME", "")
        place = given if given.startswith("/") else "~/.local/share"
    return os.path.expanduser(place)  # noqa: PTH111 - the same

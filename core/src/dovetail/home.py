"""Where the files of this user lie that belong to no repository."""

from __future__ import annotations

import os
import sys

from dovetail.errors import ConfigurationError


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
    found = os.path.expanduser(place)  # noqa: PTH111 - the same
    if found.startswith("~"):
        raise ConfigurationError(
            "this user has no home directory: HOME is not set, and the system knows none",
            hint="set HOME, or DOVETAIL_HOME to the directory for Dovetail's own files",
        )
    return found

"""How a new interpreter finds this package, also where only the launcher's `sys.path` knew it."""

# ruff: noqa: PTH100, PTH120
# The supervisor imports this, and does without pathlib.

from __future__ import annotations

import os
from collections.abc import Sequence

PACKAGE_ROOT = os.path.abspath(f"{os.path.dirname(__file__)}/../../..")
"""The directory that holds the package."""

_BOOT = """\
import sys
root, module = sys.argv.pop(1), sys.argv.pop(1)
try:
    import dovetail
except ImportError:
    sys.path.append(root)
from importlib import import_module
sys.exit(import_module(module).main())
"""


def interpreter(python: str, flags: Sequence[str], module: str) -> list[str]:
    """Return the command line that runs `main()` of a module of this package in a new interpreter."""
    return [python, *flags, "-P", "-c", _BOOT, PACKAGE_ROOT, module]

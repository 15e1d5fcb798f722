"""The program `dovetail`, also as `python -m dovetail`."""

from __future__ import annotations

import sys

from dovetail.cli.main import run


def main() -> int:
    """Run the command line of this process and return its exit code."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

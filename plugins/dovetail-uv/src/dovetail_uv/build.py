"""`python -m dovetail_uv.build ENVIRONMENT COMMAND...`: make an environment, become the command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from dovetail_uv.environment import BuildError, Environment

_NO_REPORT = 74
"""The exit status of an attempt that could not begin, and says why with its last words."""


def main() -> NoReturn:
    """Do it; the command comes without its Python, which is that of the environment."""
    environment = Environment.from_json(sys.argv[1])
    asked = ", ".join(environment.lines)
    sys.stderr.write(f"making an environment: {asked}\n")
    sys.stderr.flush()
    try:
        environment.make()
    except (BuildError, OSError) as error:
        hint = (
            error.hint
            if isinstance(error, BuildError)
            else "see that `cache_directory` can be written and `uv` runs"
        )
        sys.stderr.write(
            "\nerror: dovetail.errors.ConfigurationError: "
            f"the environment of the step cannot be made: {error}\n"
            f"hint: {hint}\n"
        )
        sys.stderr.flush()
        sys.exit(_NO_REPORT)
    os.execv(environment.interpreter, [*command_in(environment), *sys.argv[2:]])  # noqa: S606 - no shell


def command_in(environment: Environment) -> list[str]:
    """Return how the Python of an environment starts: without what variables would let it see elsewhere."""
    return [str(environment.interpreter), "-E"]


if __name__ == "__main__":
    main()

"""What a command costs before it does anything: CPU time with 30 plugins installed, byte code cached."""

from __future__ import annotations

from clock import cost, paired
from installation import Installation, with_plugins
from row import Measurement, row

PLUGINS = 30
PAIRS = 21
# The least a command line of this size can be: the library that parses it.
FLOOR = "import click"


def _against_click(made: Installation, *arguments: str) -> Measurement:
    floor = (made.python, "-c", FLOOR)
    return paired(
        lambda: 1000 * cost(floor, env=made.env, cwd=made.work).cpu,
        lambda: 1000 * cost((made.dovetail, *arguments), env=made.env, cwd=made.work).cpu,
        pairs=PAIRS,
    )


@row("dovetail --help, 30 plugins", unit="ms CPU", bound=1.5)
def help_page() -> Measurement:
    return _against_click(with_plugins(PLUGINS), "--help")


@row("dovetail integration list, 30 plugins", unit="ms CPU", bound=1.5)
def integration_list() -> Measurement:
    made = with_plugins(PLUGINS)
    shown = made.run(made.dovetail, "integration", "list")
    if shown.count("made-up-") < PLUGINS:
        raise SystemExit(f"not all {PLUGINS} plugins are listed:\n{shown}")
    return _against_click(made, "integration", "list")


@row("dovetail stack list, 30 plugins", unit="ms CPU", bound=1.5)
def stack_list() -> Measurement:
    made = with_plugins(PLUGINS)
    if "default" not in made.run(made.dovetail, "stack", "list"):
        raise SystemExit("the default stack is not listed")
    return _against_click(made, "stack", "list")

"""Options that speak of single steps: their parameters, and which of them are to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from dovetail.cli.run_names import run_names, step_names
from dovetail.errors import UsageError
from dovetail.planning.parameter_values import CommandLineText

_SELECTING = (
    ("--from", "from_step", "Run this step and all that depend on it."),
    ("--to", "to_step", "Run this step and all that it depends on; with --from what is in both."),
    ("--only", "only", "Run this step and no other."),
    ("--skip", "skip", "Do not run this step."),
)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose steps; each may be given several times."""
    command = click.option(
        "--base",
        metavar="RUN",
        shell_complete=run_names,
        help="Take the outputs of steps that do not run from this run; by default the newest that has them.",
    )(command)
    for flag, name, text in reversed(_SELECTING):
        option = click.option(
            flag,
            name,
            multiple=True,
            metavar="STEP[,STEP]...",
            shell_complete=step_names,
            callback=_several,
            help=f"{text} Repeatable.",
        )
        command = option(command)
    return command


def _several(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Take names apart that stand in one word; no name of a step has a comma."""
    return tuple(name for each in given for name in each.split(","))


setting_parameters: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--param", "parameters", multiple=True, metavar="STEP.NAME=VALUE", help="Set a parameter of a step."
)


def read_parameters(texts: Iterable[str]) -> dict[str, CommandLineText]:
    """Return the values of `--param`, by `step.name`.

    Raises:
        UsageError: one is not of the form STEP.NAME=VALUE.
    """
    found = {}
    for each in texts:
        key, sign, value = each.partition("=")
        if not sign or "." not in key:
            raise UsageError(
                f"--param {each!r} is not of the form STEP.NAME=VALUE", hint="--param trainer.epochs=3"
            )
        found[key] = CommandLineText(value)
    return found

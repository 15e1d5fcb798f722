"""`dovetail run replay`: one step of a recorded run again, on the inputs it had."""

from __future__ import annotations

import sys
from typing import Any

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.render import print_json
from dovetail.cli.run_names import run_names, step_names
from dovetail.cli.run_view import find_run, run_document, show_run
from dovetail.cli.step_options import read_parameters, setting_parameters
from dovetail.client import Client
from dovetail.errors import UsageError
from dovetail.execution.api import Request
from dovetail.execution.replay import replay_step


@click.command(name="replay")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@click.argument("step", shell_complete=step_names)
@click.option("--pdb", "debug", is_flag=True, help="Call it in this process; debug it where it raises.")
@setting_parameters
@click.option("--name", metavar="NAME", help="Name of the new run.")
@click.option("--source", type=click.Path(file_okay=False), help="Directory of the code, where it has moved.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print the new run as JSON.")
def replay(run_ref: str, step: str, *, debug: bool, source: str | None, as_json: bool, **given: Any) -> None:
    """Execute STEP of RUN again with the code as it is now, on the inputs it had; recorded as a new run."""
    if debug:
        _refuse_to_debug(as_json=as_json)
    request = Request(
        name=given["name"],
        in_process=debug,
        parameters=read_parameters(given["parameters"]),
        quiet=given["quiet"] or as_json,
    )
    with output_aside(wanted=as_json):
        ended = replay_step(find_run(Client(), run_ref), step, source, request, debug=debug)
    if as_json:
        print_json(run_document(ended))
    else:
        show_run(ended)
    sys.exit(0 if ended.status == "completed" else 1)


def _refuse_to_debug(*, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "--pdb does not go with --json", hint="standard output is the debugger's: leave one off"
        )
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
        if stream is None or not stream.isatty():
            raise UsageError(
                f"--pdb needs a terminal, and standard {name} is none",
                hint="run it in a terminal, without pipes; without --pdb it needs none",
            )

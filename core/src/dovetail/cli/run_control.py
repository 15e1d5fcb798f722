"""`dovetail run resume|explain|page`: verbs that do something with one run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.cli.run_names import run_names, step_names
from dovetail.cli.run_view import find_run, run_document, show_run
from dovetail.cli.step_options import read_parameters, setting_parameters
from dovetail.client import Client, RunView
from dovetail.components.visualizer import Visualizer
from dovetail.errors import NotFoundError, UsageError
from dovetail.execution.api import Request
from dovetail.execution.explain import explain_step
from dovetail.execution.resumption import resume_run
from dovetail.stacks.assemble import active_stack_record, assemble


@click.command(name="resume")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@click.option(
    "--accept-changes", is_flag=True, help="Run what is left with the code and parameters as they are now."
)
@setting_parameters
@click.option("--max-workers", type=click.IntRange(min=1), metavar="N", help="Steps at the same time.")
@click.option(
    "--failure-policy",
    type=click.Choice(["stop", "continue"]),
    help="After a failure start nothing more, or what does not depend on it.",
)
@click.option("--in-process", is_flag=True, help="Call the steps in this process.")
@click.option("--source", type=click.Path(file_okay=False), help="Directory of the code, where it has moved.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def resume(run_ref: str, *, accept_changes: bool, source: str | None, as_json: bool, **given: Any) -> None:
    """Go on with RUN: what is completed stays, the rest runs.

    Options that are not given are as they were when RUN began.
    """
    request = Request(
        max_workers=given["max_workers"],
        in_process=given["in_process"],
        failure_policy=given["failure_policy"],
        parameters=read_parameters(given["parameters"]),
        quiet=given["quiet"] or as_json,
    )
    with output_aside(wanted=as_json):
        run = find_run(Client(), run_ref)
        ended = resume_run(run, source, request, accept_changes=accept_changes)
    if as_json:
        print_json(run_document(ended))
    else:
        show_run(ended)
    sys.exit(0 if ended.status == "completed" else 1)


@click.command(name="explain")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@click.argument("step", shell_complete=step_names)
@click.option(
    "--against",
    metavar="RUN",
    shell_complete=run_names,
    help="Compare with this run; by default the one before.",
)
@json_option
def explain(run_ref: str, step: str, against: str | None, *, as_json: bool) -> None:
    """Say what of STEP's cache key differs from another run, down to the function or parameter."""
    client = Client()
    run = find_run(client, run_ref)
    other = find_run(client, against) if against else None
    found = explain_step(client, run, step, other)
    if as_json:
        print_json(found.document())
    else:
        print_lines(found.lines())


@click.command(name="page")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False), help="File to write; default: RUN.html here."
)
def page(run_ref: str, output: str | None) -> None:
    """Write a self-contained page of RUN, by the visualizer of the active stack."""
    run = find_run(Client(), run_ref)
    path = write_page(run, Path(output or f"{run.name}.html"))
    print_lines([str(path)])


def write_page(run: RunView, path: Path) -> Path:
    """Draw a run with the active stack's visualizer into `path`.

    Raises:
        NotFoundError: the stack has no visualizer.
        UsageError: the file cannot be written.
    """
    with assemble(active_stack_record(), only={"visualizer"}) as stack:
        drawer: Visualizer | None = stack.visualizer
        if drawer is None:
            raise NotFoundError(
                "the active stack has no visualizer", hint="dovetail stack update --visualizer html"
            )
        picture = drawer.draw(run)
    try:
        path.write_bytes(picture.data)
    except OSError as error:
        raise UsageError(
            f"cannot write {str(path)!r}: {error.strerror}", hint="choose another place with -o"
        ) from error
    return path

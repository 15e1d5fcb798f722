"""`dovetail run cancel`: ending a run from another process."""

from __future__ import annotations

import click

from dovetail.cli.render import json_option, print_json, say
from dovetail.cli.run_names import run_names
from dovetail.cli.run_view import find_run, run_document, show_run
from dovetail.client import Client
from dovetail.execution.cancelling.elsewhere import ask_to_end, await_end, grace_of
from dovetail.records.run import Status


@click.command(name="cancel")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@click.option("--now", "insist", is_flag=True, help="End its steps at once, without time to tidy up.")
@click.option("--no-wait", is_flag=True, help="Return when the run has been asked, not when it has ended.")
@json_option
def cancel(run_ref: str, *, insist: bool, no_wait: bool, as_json: bool) -> None:
    """End RUN, wherever it runs; `dovetail run resume` goes on with it later.

    Its steps are asked to end, and made to when the grace time is over.
    """
    with Client() as client:
        run = ask_to_end(find_run(client, run_ref), insist=insist)
        if run.status is Status.RUNNING:
            say(f"asked run {run.name} to end{'' if insist else f', within {grace_of(run):g} s'}")
            run = run if no_wait else await_end(run, insist=insist)
        if as_json:
            print_json(run_document(run))
        elif run.status is not Status.RUNNING:
            show_run(run)

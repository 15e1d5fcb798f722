"""`dovetail run delete`: forgetting runs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dovetail.cli.consent import agreed
from dovetail.cli.render import json_option, print_json, say
from dovetail.cli.run_names import run_names
from dovetail.cli.run_view import find_run, moment, run_summary
from dovetail.client import Client, RunView
from dovetail.client.deletion import delete_run, refuse_running


@click.command(name="delete")
@click.argument("run_refs", metavar="RUN...", nargs=-1, required=True, shell_complete=run_names)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def delete(run_refs: Sequence[str], *, yes: bool, as_json: bool) -> None:
    """Forget RUN: its record, its logs and its reports.

    Artifacts that no other run refers to are removed by `dovetail artifact prune`.
    """
    with Client() as client:
        found = {run.id: run for run in (find_run(client, each) for each in run_refs)}
        runs = list(found.values())
        for run in runs:
            refuse_running(run)
        if not yes:
            _confirm(runs)
        for run in runs:
            delete_run(run)
            say(f"deleted run {run.name}")
        say("artifacts that no run refers to any more go with `dovetail artifact prune`")
        if as_json:
            print_json([run_summary(run) for run in runs])


def _confirm(runs: Sequence[RunView]) -> None:
    """Ask a person whether to go on; leave where the answer is no."""
    names = ", ".join(f"{run.name} ({run.status}, {moment(run.started)})" for run in runs)
    question = f"Delete {names}, with logs and reports?"
    if not agreed(question, asked="delete", hint="--yes deletes without asking"):
        say("nothing was deleted")
        raise click.exceptions.Exit(1)

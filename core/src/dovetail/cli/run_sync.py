"""`dovetail run sync`: taking in what steps have reported whose launcher is gone."""

from __future__ import annotations

import click

from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.cli.run_names import run_names
from dovetail.cli.run_view import find_run
from dovetail.client import Client
from dovetail.execution.synchronisation import synchronise
from dovetail.records.run import Status


@click.command(name="sync")
@click.argument("run_ref", metavar="RUN|last", shell_complete=run_names)
@json_option
def sync(run_ref: str, *, as_json: bool) -> None:
    """Take in what steps of RUN have reported that a step operator made after the launcher had died.

    Nothing is started; `dovetail run resume` goes on with the run.
    """
    with Client() as client:
        taken = synchronise(find_run(client, run_ref))
    if as_json:
        print_json(taken.document())
        return
    lines = list(taken.notes)
    for each in taken.ended:
        why = f" ({each.reason})" if each.status is not Status.COMPLETED and each.reason else ""
        lines.append(f"step {each.step!r}, attempt {each.number}: {each.status.value}{why}")
    lines += [f"step {each.step!r}, attempt {each.number}: still running" for each in taken.ongoing]
    print_lines(lines or [f"nothing was left to take in of run {taken.run.name}"])

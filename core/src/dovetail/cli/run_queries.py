"""`dovetail run list|show`: looking at runs."""

from __future__ import annotations

import click

from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.cli.run_names import pipeline_names, run_names
from dovetail.cli.run_view import (
    find_run,
    moment,
    part_of_pipeline,
    run_document,
    run_summary,
    say_if_interrupted,
    seconds,
    show_run,
)
from dovetail.client import Client
from dovetail.client.client import LAST
from dovetail.records.run import Status

_STATES = [str(each) for each in Status if each not in {Status.CACHED, Status.SKIPPED}]

run_argument = click.argument(
    "run_ref", metavar="[RUN|last]", default=LAST, required=False, shell_complete=run_names
)


@click.command("list")
@click.option("--pipeline", shell_complete=pipeline_names, help="Only runs of this pipeline.")
@click.option("--status", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option(
    "--before", metavar="RUN", shell_complete=run_names, help="Only runs that began before this one."
)
@json_option
def list_runs(
    *, pipeline: str | None, status: str | None, limit: int, before: str | None, as_json: bool
) -> None:
    """List runs, newest first."""
    with Client() as client:
        start = None if before is None else find_run(client, before).record.sequence
        found = list(client.runs(pipeline, status=status, before=start, limit=limit + 1))
    shown, more = found[:limit], found[limit:]
    if as_json:
        print_json([run_summary(each) for each in shown])
        say_if_interrupted(shown)
        return
    rows = [
        [each.name, each.pipeline, each.status, moment(each.started), seconds(each.duration)]
        for each in shown
    ]
    columns = ["run", "pipeline", "status", "started", "duration"]
    kinds = [part_of_pipeline(each) for each in shown]
    if any(kinds):
        columns, rows = [*columns, "kind"], [[*row, kind] for row, kind in zip(rows, kinds, strict=True)]
    print_table(columns, rows, empty="no runs")
    say_if_interrupted(shown)
    if more:
        say(f"there are more: --before {shown[-1].name}")


@click.command()
@run_argument
@json_option
def show(run_ref: str, *, as_json: bool) -> None:
    """Show RUN, the newest by default: steps, times, metrics, outputs."""
    with Client() as client:
        run = find_run(client, run_ref)
        if as_json:
            print_json(run_document(run))
            say_if_interrupted([run])
        else:
            show_run(run)

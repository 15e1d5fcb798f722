"""`dovetail run delete`: forgetting runs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dovetail.cli.consent import agreed
from dovetail.cli.render import json_option, print_json, say
from dovetail.cli.run_names import pipeline_names, run_names
from dovetail.cli.run_view import find_run, moment, run_summary
from dovetail.client import Client, RunView
from dovetail.client.deletion import delete_run, refuse_handed_over, refuse_running
from dovetail.errors import ConflictError, UsageError
from dovetail.records.run import Status
from dovetail.references import load

_ENDED = [str(each) for each in (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED)]
_NAMED = 20
"""So many runs are named in a question."""


@click.command(name="delete")
@click.argument("run_refs", metavar="[RUN]...", nargs=-1, shell_complete=run_names)
@click.option("--pipeline", shell_complete=pipeline_names, help="All runs of this pipeline.")
@click.option("--status", type=click.Choice(_ENDED), help="All runs in this state; with --pipeline of both.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def delete(
    run_refs: Sequence[str], *, pipeline: str | None, status: str | None, yes: bool, as_json: bool
) -> None:
    """Forget runs, those named or all of a kind: their records, their logs and their reports.

    Artifacts that no other run refers to are removed by `dovetail artifact prune`.
    """
    with Client() as client:
        runs = _chosen(client, run_refs, pipeline, status)
        for run in runs:
            refuse_running(run)
        if not runs:
            say("there is no such run")
            if as_json:
                print_json([])
            return
        if not yes:
            _confirm(runs)
        for run in runs:
            delete_run(_ended(run))
            say(f"deleted run {run.name}")
        say("artifacts that no run refers to any more go with `dovetail artifact prune`")
        if as_json:
            print_json([run_summary(run) for run in runs])


def _ended(run: RunView) -> RunView:
    """Return the run when nothing of it goes on: attempts that outlived their launcher are ended."""
    try:
        refuse_handed_over(run)
    except ConflictError:
        ended: RunView = load("dovetail.execution.cancelling.elsewhere:ask_to_end")(run, insist=True)
        return ended
    return run


def _chosen(
    client: Client, run_refs: Sequence[str], pipeline: str | None, status: str | None
) -> list[RunView]:
    """Return the runs that are named, or else all of a pipeline or in a state.

    Raises:
        UsageError: neither or both are given.
        NotFoundError: there is no such run or pipeline.
    """
    if not (run_refs or pipeline or status):
        raise UsageError("say which runs to delete", hint="name some, or give --status or --pipeline")
    if run_refs and (pipeline or status):
        raise UsageError(
            f"run {run_refs[0]!r} is named, and --pipeline or --status chooses runs as well",
            hint="delete the named ones and the others one after the other",
        )
    if run_refs:
        return list({run.id: run for run in (find_run(client, each) for each in run_refs)}.values())
    if pipeline:
        client.pipeline(pipeline)
    return list(client.runs(pipeline, status=status))


def _confirm(runs: Sequence[RunView]) -> None:
    """Ask a person whether to go on; leave where the answer is no."""
    named = [f"{run.name} ({run.status}, {moment(run.started)})" for run in runs[:_NAMED]]
    more = [f"and {len(runs) - _NAMED} more"] if len(runs) > _NAMED else []
    question = f"Delete {', '.join([*named, *more])}, with logs and reports?"
    if not agreed(question, asked="delete", hint="--yes deletes without asking"):
        say("nothing was deleted")
        raise click.exceptions.Exit(1)

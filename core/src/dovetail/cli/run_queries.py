"""`dovetail run list|show|logs`: looking at runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.cli.run_names import pipeline_names, run_names, step_names
from dovetail.cli.run_view import find_run, moment, run_document, run_summary, seconds, show_run
from dovetail.client import Client, RunView
from dovetail.client.client import LAST
from dovetail.client.logs import Log
from dovetail.errors import NotFoundError
from dovetail.records.run import Status

_PAUSE = 0.3
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
        return
    rows = [
        [each.name, each.pipeline, each.status, moment(each.started), seconds(each.duration)]
        for each in shown
    ]
    print_table(["run", "pipeline", "status", "started", "duration"], rows, empty="no runs")
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
        else:
            show_run(run)


@click.command()
@run_argument
@click.argument("step", required=False, shell_complete=step_names)
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Of this try; the last by default.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
def logs(run_ref: str, step: str | None, attempt: int | None, *, follow: bool) -> None:
    """Show what the steps of RUN wrote, or STEP alone."""
    with Client() as client:
        run = find_run(client, run_ref)
        if step is not None:
            run.step(step)
        _Printer(run, step, attempt).print(follow=follow)


class _Printer:
    """Prints logs, each byte once, with a heading wherever another log goes on."""

    def __init__(self, run: RunView, step: str | None, attempt: int | None) -> None:
        self._run = run
        self._step = step
        self._attempt = attempt
        self._shown: dict[str, int] = {}
        self._last = ""
        self._open_line = False

    def print(self, *, follow: bool) -> None:
        """Print what there is, and with `follow` what comes."""
        found = self._print_news(every=follow)
        while follow and not self._run.status.ended:
            time.sleep(_PAUSE)
            self._run = self._run.refresh()
            found |= self._print_news(every=True)
        if self._attempt is not None and not found:
            raise NotFoundError(
                f"no step of run {self._run.name!r} has an attempt {self._attempt}"
                if self._step is None
                else f"step {self._step!r} of run {self._run.name!r} has no attempt {self._attempt}",
                hint=f"see `dovetail run show {self._run.name}`",
            )
        if not self._shown:
            say(self._nothing())

    def _nothing(self) -> str:
        """Say that no log is there, and where that of a cached step is."""
        step = self._run.steps[self._step] if self._step is not None else None
        if step is None or step.record is None or not step.cached:
            return "nothing was written"
        return f"{step.name} was taken from run {step.record.cached_from}: look at its logs there"

    def _print_news(self, *, every: bool) -> bool:
        chosen = list(self._logs(every=every))
        for log in chosen:
            news = log.read(self._shown.get(log.attempt.id, 0))
            if news:
                self._head(log, alone=self._step is not None and len(chosen) == 1)
                self._shown[log.attempt.id] = self._shown.get(log.attempt.id, 0) + len(news)
                click.echo(news, nl=False)
                self._open_line = not news.endswith(b"\n")
        return bool(chosen)

    def _logs(self, *, every: bool) -> Iterator[Log]:
        """Yield the logs that were asked for in order of starting; of each step the last, or every one."""
        attempts = self._run.records.metadata.attempts(self._run.id, self._step)
        if self._attempt is not None:
            attempts = [each for each in attempts if each.number == self._attempt]
        elif not every:
            attempts = list({each.step: each for each in attempts}.values())
        return (Log(self._run.records.artifacts, each) for each in attempts)

    def _head(self, log: Log, *, alone: bool) -> None:
        attempt = log.attempt
        if not alone and self._last != attempt.id:
            number = f", attempt {attempt.number}" if attempt.number > 1 else ""
            click.echo(f"{chr(10) * self._open_line}==> {attempt.step}{number} <==")
        self._last = attempt.id

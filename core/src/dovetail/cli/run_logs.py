"""`dovetail run logs`: what steps wrote, and how each attempt that did not end well has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from dovetail.cli.render import clean, json_option, print_json, say
from dovetail.cli.run_names import step_names
from dovetail.cli.run_queries import run_argument
from dovetail.cli.run_view import attempt_status, find_run, how_ended
from dovetail.client import Client, RunView
from dovetail.client.logs import Log
from dovetail.errors import NotFoundError, UsageError

_PAUSE = 0.3


@click.command()
@run_argument
@click.argument("step", required=False, shell_complete=step_names)
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Of this try; the last by default.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@json_option
def logs(run_ref: str, step: str | None, attempt: int | None, *, follow: bool, as_json: bool) -> None:
    """Show what the steps of RUN wrote, or STEP alone, and why an attempt failed."""
    if follow and as_json:
        raise UsageError("--follow and --json do not go together", hint="--json prints what is there now")
    with Client() as client:
        run = find_run(client, run_ref)
        if step is not None:
            run.step(step)
        printer = _Printer(run, step, attempt)
        if as_json:
            print_json(printer.documents())
        else:
            printer.print(follow=follow)


class _Printer:
    """Prints logs, each byte once, with a heading wherever another log goes on."""

    def __init__(self, run: RunView, step: str | None, attempt: int | None) -> None:
        self._run = run
        self._step = step
        self._attempt = attempt
        self._shown: dict[str, int] = {}
        self._ended: set[str] = set()
        self._last = ""
        self._open_line = False

    def print(self, *, follow: bool) -> None:
        """Print what there is, and with `follow` what comes."""
        found = self._print_news(every=follow)
        while follow and not self._run.status.ended:
            time.sleep(_PAUSE)
            self._run = self._run.refresh()
            found |= self._print_news(every=True)
        self._require(found=found)
        if not (self._shown or self._ended):
            say(self._nothing())

    def documents(self) -> list[dict[str, Any]]:
        """Return what there is as plain JSON values."""
        chosen = list(self._logs(every=False))
        self._require(found=bool(chosen))
        return [_document(self._run, log) for log in chosen]

    def _require(self, *, found: bool) -> None:
        if self._attempt is not None and not found:
            raise NotFoundError(
                f"no step of run {self._run.name!r} has an attempt {self._attempt}"
                if self._step is None
                else f"step {self._step!r} of run {self._run.name!r} has no attempt {self._attempt}",
                hint=f"see `dovetail run show {self._run.name}`",
            )

    def _nothing(self) -> str:
        """Say that no log is there, and where that of a cached step is."""
        step = self._run.steps[self._step] if self._step is not None else None
        if step is None or step.record is None or not step.cached:
            return "nothing was written"
        origin = self._run.records.metadata.run(step.record.cached_from or "")
        if origin is None:
            return f"{step.name} was taken from a run that was deleted since, with its logs"
        return f"{step.name} was taken from run {origin.name}: dovetail run logs {origin.name} {step.name}"

    def _print_news(self, *, every: bool) -> bool:
        chosen = list(self._logs(every=every))
        alone = self._step is not None and len(chosen) == 1
        for log in chosen:
            self._print_text(log, alone=alone)
            self._print_end(log, alone=alone)
        return bool(chosen)

    def _print_text(self, log: Log, *, alone: bool) -> None:
        start = self._shown.get(log.attempt.id, 0)
        if news := log.read(start):
            self._head(log, alone=alone)
            self._shown[log.attempt.id] = start + len(news)
            click.echo(news, nl=False)
            self._open_line = not news.endswith(b"\n")

    def _print_end(self, log: Log, *, alone: bool) -> None:
        """Print how an attempt has ended, once, where that was not well."""
        ending = how_ended(self._run, log.attempt)
        if ending is None or log.attempt.id in self._ended:
            return
        self._ended.add(log.attempt.id)
        self._head(log, alone=alone)
        if self._open_line:
            click.echo()
            self._open_line = False
        for line in [*(log.attempt.traceback or "").splitlines(), ending]:
            click.echo(clean(line) if line else "")

    def _logs(self, *, every: bool) -> Iterator[Log]:
        """Yield the logs that were asked for in order of starting; of each step the last, or every one."""
        attempts = self._run.records.metadata.attempts(self._run.id, self._step)
        if self._attempt is not None:
            attempts = [each for each in attempts if each.number == self._attempt]
        elif not every:
            attempts = list({each.step: each for each in attempts}.values())
        store = self._run.records.artifacts_of(self._run.record.stack)
        return (Log(store, each) for each in attempts)

    def _head(self, log: Log, *, alone: bool) -> None:
        attempt = log.attempt
        if not alone and self._last != attempt.id:
            number = f", attempt {attempt.number}" if attempt.number > 1 else ""
            click.echo(f"{chr(10) * self._open_line}==> {attempt.step}{number} <==")
            self._open_line = False
        self._last = attempt.id


def _document(run: RunView, log: Log) -> dict[str, Any]:
    attempt = log.attempt
    return {
        "step": attempt.step,
        "attempt": attempt.number,
        "status": str(attempt_status(run, attempt)),
        "reason": attempt.reason,
        "text": log.read().decode("utf-8", "replace"),
        "error": attempt.error,
        "traceback": attempt.traceback,
    }

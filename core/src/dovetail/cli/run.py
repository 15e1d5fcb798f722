"""`dovetail run`: a file, or one of its verbs."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from dovetail.errors import UsageError, did_you_mean
from dovetail.references import load

_VERBS = {
    "list": ("dovetail.cli.run_queries:list_runs", "List runs, newest first."),
    "show": ("dovetail.cli.run_queries:show", "Show a run: steps, times, metrics, outputs."),
    "logs": ("dovetail.cli.run_logs:logs", "Show what the steps of a run wrote, and why attempts failed."),
    "explain": ("dovetail.cli.run_control:explain", "Say why a step was or was not taken from the cache."),
    "resume": ("dovetail.cli.run_control:resume", "Go on with a run that did not complete."),
    "sync": ("dovetail.cli.run_sync:sync", "Take in what steps have reported whose launcher is gone."),
    "cancel": ("dovetail.cli.run_cancel:cancel", "End a run, wherever it runs."),
    "delete": ("dovetail.cli.run_delete:delete", "Forget runs, with their logs."),
    "replay": ("dovetail.cli.run_replay:replay", "Execute one step of a run again, on the inputs it had."),
    "page": ("dovetail.cli.run_control:page", "Write a page of a run: graph, durations, metrics, artifacts."),
}
_FILE = "dovetail.cli.run_file:run_file"


class RunGroup(click.Group):
    """A group whose first word is a verb, or else a file to run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs."""
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a verb when it is used."""
        del ctx
        if cmd_name == "<file>":
            command: click.Command = load(_FILE)
            return command
        if cmd_name in _VERBS:
            verb: click.Command = load(_VERBS[cmd_name][0])
            return verb
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a first word that is no verb for a file."""
        word = args[0]
        if word not in _VERBS and _looks_like_file(word):
            return word, self.get_command(ctx, "<file>"), args
        if word in _VERBS or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise UsageError(
            f"{word!r} is no verb of `dovetail run`, and no file of a pipeline: these end in .py or .yaml",
            hint=did_you_mean(word, list(_VERBS)),
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in _VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer verbs and files."""
        verbs = [
            CompletionItem(name, help=text)
            for name, (_, text) in _VERBS.items()
            if name.startswith(incomplete)
        ]
        return [
            *verbs,
            CompletionItem(incomplete, type="file"),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]


def _looks_like_file(word: str) -> bool:
    name = word.rpartition(":")[0] if ":" in word else word
    return name.endswith((".py", ".yaml", ".yml"))


@click.command(
    cls=RunGroup,
    name="run",
    subcommand_metavar="FILE[:PIPELINE] [OPTIONS] | VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def group(**_: Any) -> None:
    """Run the pipeline of a script or of a compiled plan, or look at runs.

    FILE ends in .py or .yaml; `dovetail run FILE --help` lists its options.
    """

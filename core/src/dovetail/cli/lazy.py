"""Command groups that know the names and help lines of their verbs, and import a verb when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dovetail.cli.names import items
from dovetail.errors import UsageError, did_you_mean
from dovetail.references import load


class LazyGroup(click.Group):
    """A group made from a table: verb -> where its command is, and its line in the help."""

    def __init__(self, *args: Any, verbs: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command: click.Command = load(self.verbs[cmd_name][0])
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.verbs and not name.startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(name, self.list_commands(ctx))
            raise UsageError(f"{ctx.command_path} has no command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.verbs.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        verbs = {name: text for name, (_, text) in self.verbs.items()}
        return [*items(verbs, incomplete), *click.Command.shell_complete(self, ctx, incomplete)]

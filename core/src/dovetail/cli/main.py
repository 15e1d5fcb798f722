"""The program's top: which commands there are, found without importing them, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

import dovetail as face
from dovetail.cli.ending import end, to_person
from dovetail.cli.render import help_width
from dovetail.errors import UsageError, did_you_mean
from dovetail.references import load

# Name -> where the click object is, and its line in the help. Each part is a section of the help.
PARTS: dict[str, dict[str, tuple[str, str]]] = {
    "Pipelines": {
        "init": ("dovetail.cli.init:command", "Make a workspace with a working example."),
        "quickstart": (
            "dovetail.cli.quickstart:command",
            "Make a small repository and run a real pipeline in it.",
        ),
        "run": ("dovetail.cli.run:group", "Run a pipeline; list, show, explain and resume runs."),
        "pipeline": ("dovetail.cli.pipeline:group", "Compile pipelines, and list those that have run."),
        "artifact": ("dovetail.cli.artifact:group", "List, show and verify what steps have made."),
    },
    "Stacks": {
        "stack": ("dovetail.cli.stack:group", "Put stacks together and choose the active one."),
        "profile": ("dovetail.cli.profile:group", "Keep sets of stacks and components apart."),
        "secret": ("dovetail.cli.secret:group", "Keep confidential values, and refer to them."),
    },
    "Components": {},
    "Program": {
        "integration": ("dovetail.cli.integration:group", "List and install what plugs in."),
        "completion": ("dovetail.cli.completion:command", "Print the completion script of a shell."),
        "version": ("dovetail.cli.completion:version", "Print the version of Dovetail and of Python."),
    },
}
COMPONENT_GROUP = "dovetail.cli.component:component_group"
_TYPES = "dovetail.cli.component_type"


class Commands(click.Group):
    """The top group: knows names and help lines of its commands, and imports only the one asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for lines in self._sections().values() for name, _ in lines]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for part in PARTS.values():
            if cmd_name in part:
                return _load_command(cmd_name, part[cmd_name][0])
        kind = load(f"{_TYPES}:CORE").get(cmd_name) or _component_types().get(cmd_name)
        if kind is None:
            return None
        made: click.Group = load(COMPONENT_GROUP)(kind)
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not name.startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(name, self.list_commands(ctx))
            raise UsageError(f"there is no command {name!r}", hint=hint)
        return (name, command, args[1:]) if command else super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, lines in self._sections().items():
            with formatter.section(title):
                formatter.write_dl(lines)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        item: Callable[..., Any] = load("click.shell_completion:CompletionItem")
        found = [
            item(name, help=text)
            for lines in self._sections().values()
            for name, text in lines
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def _sections(self) -> dict[str, list[tuple[str, str]]]:
        """Return names and help lines by section; a type that is named like a command has none."""
        sections = {
            title: [(name, text) for name, (_, text) in part.items()] for title, part in PARTS.items()
        }
        taken = {name for lines in sections.values() for name, _ in lines}
        sections["Components"] += [
            (name, f"Register and list {kind.plural}.")
            for name, kind in _component_types().items()
            if name not in taken
        ]
        return sections


def _component_types() -> dict[str, Any]:
    """Return every component type by its command; most commands need none of them."""
    types: dict[str, Any] = load(f"{_TYPES}:component_types")()
    return types


def _load_command(name: str, reference: str) -> click.Command:
    try:
        command: click.Command = load(reference)
    except ModuleNotFoundError as error:
        if error.name != reference.partition(":")[0]:
            raise
        raise UsageError(f"the command {name!r} is not part of this program") from error
    return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar="[--debug]",
    epilog="--debug shows the traceback of an error, with any command; so does DOVETAIL_DEBUG=1.",
)
@click.version_option(face.__version__, prog_name="dovetail")
def dovetail() -> None:
    """Machine-learning pipelines on a stack of plugins."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; print what went wrong to standard error; return the exit code."""
    plain = list(arguments)
    debug = _take_debug(plain)
    _prepare_output()
    try:
        code = 0 if _complete() else _invoke(plain)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last border: a person sees a line
        return end(error, debug=debug)
    return code


def _prepare_output() -> None:
    """See that there is an output, and that no character is one that it cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us; the next file opened would take its place
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _invoke(arguments: list[str]) -> int:
    """Return what the command gave as exit code; 0 where it gave nothing."""
    try:
        with dovetail.make_context("dovetail", arguments, terminal_width=help_width()) as context:
            result = dovetail.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        if isinstance(error.code, str):
            to_person("error", error.code)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return result if type(result) is int else 0


def _take_debug(arguments: list[str]) -> bool:
    """Take `--debug` out, wherever it stands before `--`; say whether errors are shown in full."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    asked = "--debug" in arguments[:end]
    arguments[:end] = [each for each in arguments[:end] if each != "--debug"]
    return asked or os.environ.get("DOVETAIL_DEBUG", "").lower() not in {"", "0", "false", "no"}


def _complete() -> bool:
    """Answer a shell that completes a command line; say whether one did."""
    if "_DOVETAIL_COMPLETE" not in os.environ:
        return False
    answer: Callable[..., Any] = load("click.shell_completion:shell_complete")
    answer(dovetail, {}, "dovetail", "_DOVETAIL_COMPLETE", os.environ["_DOVETAIL_COMPLETE"])
    return True

"""The program's top: which commands there are, found without importing them, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

import dovetail as face
from dovetail.cli.render import clean, help_width
from dovetail.errors import DovetailError, UsageError, did_you_mean
from dovetail.references import load

INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

# Name -> where the click object is, and its line in the help. Each part is a section of the help.
PARTS: dict[str, dict[str, tuple[str, str]]] = {
    "Pipelines": {
        "init": ("dovetail.cli.init:command", "Make a workspace with a working example."),
        "quickstart": (
            "dovetail.cli.quickstart:command",
            "Make a small repository and run a real pipeline in it.",
        ),
        "run": ("dovetail.cli.run:group", "Run a pipeline; list, show, resume and cancel runs."),
        "pipeline": ("dovetail.cli.pipeline:group", "Compile pipelines, and list those that have run."),
        "artifact": ("dovetail.cli.artifact:group", "List, show and verify what steps have made."),
    },
    "Stacks": {
        "stack": ("dovetail.cli.stack:group", "Put stacks together and choose the active one."),
        "profile": ("dovetail.cli.profile:group", "Keep sets of stacks and components apart."),
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
    try:
        code = 0 if _complete() else _invoke(plain)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort) as error:
        return _say_interrupted(error, debug=debug)
    except click.ClickException as error:
        return _say_usage(error)
    except DovetailError as error:
        return say_error(error, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last border: a person sees one line, not our frames
        return say_unexpected(error, debug=debug)
    return code


def _invoke(arguments: list[str]) -> int:
    """Return what the command gave as exit code; 0 where it gave nothing."""
    try:
        with dovetail.make_context("dovetail", arguments, terminal_width=help_width()) as context:
            result = dovetail.invoke(context)
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        if isinstance(error.code, str):
            _to_person("error", error.code)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return result if type(result) is int else 0


def _take_debug(arguments: list[str]) -> bool:
    """Take `--debug` out, wherever it stands before `--`; say whether errors are shown in full."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    asked = "--debug" in arguments[:end]
    arguments[:end] = [each for each in arguments[:end] if each != "--debug"]
    return asked or os.environ.get("DOVETAIL_DEBUG", "").lower() not in {"", "0", "false", "no"}


def say_error(error: DovetailError, *, debug: bool) -> int:
    """Print what Dovetail itself found wrong; return the exit code of its kind."""
    if debug:
        _show_traceback(error)
    place = f"{error.where}: " if error.where else ""
    _to_person("error", f"{place}{error.message}")
    if error.hint:
        _to_person("hint", error.hint)
    return error.exit_code


def say_unexpected(error: Exception, *, debug: bool) -> int:
    """Print that something went wrong which nobody foresaw."""
    if debug:
        _show_traceback(error)
    _to_person("error", f"unexpected {type(error).__name__}: {error}")
    if not debug:
        _to_person("hint", "run with --debug to see where; please report it")
    return INTERNAL


def _say_usage(error: click.ClickException) -> int:
    """Print what click could not understand, in our form."""
    message = error.format_message()
    _to_person("error", message[:1].lower() + message[1:].removesuffix("."))
    context = getattr(error, "ctx", None)
    if context is not None:
        _to_person("hint", f"see {context.command_path} --help")
    return error.exit_code


def _say_interrupted(error: BaseException, *, debug: bool) -> int:
    if debug:
        _show_traceback(error)
    _to_person("error", "interrupted")
    return INTERRUPTED


def _show_traceback(error: BaseException) -> None:
    """Print it as the interpreter does, which needs no import."""
    sys.__excepthook__(type(error), error, error.__traceback__)


def _to_person(label: str, text: str) -> None:
    """Print a labelled text; its further lines are indented, its control characters shown as escapes."""
    lines = [clean(line) for line in text.splitlines() if line.strip()]
    with suppress(BrokenPipeError):
        click.echo(f"{label}: " + "\n  ".join(lines), err=True)


def _silence() -> None:
    """Let nothing complain later about the reader that has gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complete() -> bool:
    """Answer a shell that completes a command line; say whether one did."""
    if "_DOVETAIL_COMPLETE" not in os.environ:
        return False
    answer: Callable[..., Any] = load("click.shell_completion:shell_complete")
    answer(dovetail, {}, "dovetail", "_DOVETAIL_COMPLETE", os.environ["_DOVETAIL_COMPLETE"])
    return True

"""The command-line reference, written from the command tree itself when the pages are built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from mkdocs.structure.files import File

from dovetail import references

ROOT = "dovetail.cli.main:dovetail"
PAGE = "reference/cli.md"


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - mkdocs ships no types
    """Called by mkdocs once the pages are collected; adds one."""
    files.append(File.generated(config, PAGE, content=page(references.load(ROOT))))
    return files


def page(root: click.Command) -> str:
    """Return the page of the whole tree below `root`."""
    opening = "# Command line\n\nEvery command, as `--help` says it.\n"
    return "\n".join((opening, *_sections(root, click.Context(root, info_name="dovetail"), level=2)))


def _sections(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * min(level, 4)} `{context.command_path}`\n"
    yield f"```text\n{_help(command, context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                below = click.Context(child, info_name=name, parent=context)
                yield from _sections(child, below, level + 1)


def _help(command: click.Command, context: click.Context) -> str:
    formatter = click.HelpFormatter(width=100)
    command.format_help(context, formatter)
    return formatter.getvalue().rstrip().replace("```", "'''")

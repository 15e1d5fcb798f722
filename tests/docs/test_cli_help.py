"""The command-line reference is as good as the help texts it is made from."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dovetail.cli.main import dovetail


def tree(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that is shown, with the words that call it."""
    yield context.command_path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from tree(child, click.Context(child, info_name=name, parent=context))


def commands() -> list[tuple[str, click.Command]]:
    return list(tree(dovetail, click.Context(dovetail, info_name="dovetail")))


def test_the_groups_users_look_for_are_there() -> None:
    paths = {path.removeprefix("dovetail ") for path, _ in commands()}
    assert {
        "run",
        "stack list",
        "integration list",
        "pipeline",
        "artifact",
        "artifact-store register",
    } <= paths


def test_every_command_says_in_one_line_what_it_does() -> None:
    assert [path for path, command in commands() if not command.get_short_help_str()] == []


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{path} {option.opts[0]}"
        for path, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]
    assert silent == []

"""`dovetail completion` and `dovetail version`: the program about itself."""

from __future__ import annotations

import os
import platform
from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

import dovetail
from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


_HOW = """\b
bash:  eval "$(dovetail completion bash)"     in ~/.bashrc
zsh:   eval "$(dovetail completion zsh)"      in ~/.zshrc
fish:  dovetail completion fish | source      in ~/.config/fish/config.fish
"""


@click.command("completion", epilog=_HOW)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def command(context: click.Context, shell: str | None) -> None:
    """Print the completion script of SHELL, of the one in use by default."""
    shell = shell or PurePath(os.environ.get("SHELL", "")).name
    script = get_completion_class(shell) if shell in SHELLS else None
    if script is None:
        raise UsageError(f"no completion for the shell {shell!r}", hint=f"name one: {', '.join(SHELLS)}")
    top = context.find_root().command
    click.echo(script(top, {}, "dovetail", "_DOVETAIL_COMPLETE").source())


@click.command("version")
@json_option
def version(*, as_json: bool) -> None:
    """Print the version of Dovetail and of Python."""
    if as_json:
        print_json({"dovetail": dovetail.__version__, "python": platform.python_version()})
    else:
        print_lines([f"dovetail {dovetail.__version__} on Python {platform.python_version()}"])

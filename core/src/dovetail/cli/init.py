"""`dovetail init`: make a workspace."""

from __future__ import annotations

from pathlib import Path

import click

from dovetail.cli.render import print_lines
from dovetail.stacks.workspace import init_workspace


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--bare", is_flag=True, help="Only .dovetail/ and .gitignore, no example.")
def command(path: Path, *, bare: bool) -> None:
    """Make PATH (default: this directory) a workspace with a small working example.

    Nothing that is there is overwritten.
    """
    workspace, files = init_workspace(path, bare=bare)
    print_lines([f"made a workspace in {workspace.root}"])
    print_lines(f"  {each.relative_to(workspace.root).as_posix()}" for each in files)
    if not bare:
        print_lines(["try it: dovetail run run.py"])

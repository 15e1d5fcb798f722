"""`dovetail metadata-store migrate`: the schema of a server database, brought up to date."""

from __future__ import annotations

from typing import Any

import click

from dovetail.cli.names import component_names
from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.references import load


@click.command()
@click.argument("name", shell_complete=component_names("metadata_store"))
@json_option
def migrate(name: str, *, as_json: bool) -> None:
    """Bring the schema of the metadata store NAME up to date; make a backup first, and let no run go on.

    May be given again after an interruption. A store in SQLite does this by itself, when it is opened.
    """
    open_store: Any = load("dovetail.stacks.single:single_component")
    with open_store("metadata_store", name) as component:
        store = load("dovetail.components.sql.copying:sql_store")(component, name)
        before = store.migrate()
        now = store.schema.version
    if as_json:
        print_json({"name": name, "before": before, "version": now})
    elif before == now:
        print_lines([f"the schema of metadata store {name!r} is up to date: version {now}"])
    else:
        made = "made with" if before is None else f"migrated from version {before} to"
        print_lines([f"the schema of metadata store {name!r} is {made} version {now}"])

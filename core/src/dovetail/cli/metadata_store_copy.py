"""`dovetail metadata-store copy`: all facts of one metadata store into another."""

from __future__ import annotations

from typing import Any

import click

from dovetail.cli.names import component_names
from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.cli.tally import Tally
from dovetail.references import load

_COPYING = "dovetail.components.sql.copying"
_NAMES = component_names("metadata_store")


@click.command()
@click.argument("source", metavar="FROM", shell_complete=_NAMES)
@click.argument("target", metavar="TO", shell_complete=_NAMES)
@click.option("--dry-run", is_flag=True, help="Say what would be copied, and copy nothing.")
@json_option
def copy(source: str, target: str, *, dry_run: bool, as_json: bool) -> None:
    """Copy all runs, with what was recorded of them, from one metadata store into an empty one.

    The digest at the end is that of all facts: two stores that hold the same have the same.
    """
    sql_store: Any = load(f"{_COPYING}:sql_store")
    open_store: Any = load("dovetail.stacks.single:single_component")
    with (
        open_store("metadata_store", source) as here,
        open_store("metadata_store", target) as there,
        Tally() as tally,
    ):
        stores = [sql_store(here, source), sql_store(there, target)]
        for store in stores:
            store.open()
        done = load(f"{_COPYING}:copy")(
            *stores, lambda what, count: tally.show(f"{what}: {count}"), dry_run=dry_run
        )
    copied = not (dry_run or done.there)
    if as_json:
        print_json({"copied": copied, "already_there": done.there, "digest": done.digest, **done.counts})
        return
    kinds = [f"{count} {kind.replace('_', ' ')}" for kind, count in done.counts.items() if kind != "leases"]
    said = "copied" if copied else "holds the same already" if done.there else "would copy"
    what = f"{target!r} {said}" if done.there else f"{said} from {source!r} to {target!r}"
    print_lines([f"{what}: {', '.join(kinds)}", f"digest of all facts: {done.digest}"])

"""`dovetail artifact prune`: removing what no run refers to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import click

from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.cli.run_view import size
from dovetail.client import Client
from dovetail.client.pruning import Findings, Pruning, Waste, neighbours


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def prune(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove what no run refers to: artifacts, and files that killed or deleted runs left behind.

    Nothing that a run has or reads is touched, and nothing that a live run may be writing. Where nobody
    can be asked, nothing is removed without --yes.
    """
    with Client() as client, ExitStack() as opened:
        others = [opened.enter_context(Client(each)) for each in neighbours(client.stack)]
        pruning = Pruning(
            client.records.metadata, client.records.artifacts, [each.records.metadata for each in others]
        )
        found = pruning.find()
        if not as_json:
            _show(found)
        goes = not dry_run and (yes or (not as_json and _agreed(found)))
        gone = list(pruning.remove(found.waste)) if goes else []
        swept = pruning.sweep() if goes else 0
    if as_json:
        print_json(_document(found, gone, swept, dry_run=not goes))
    elif gone or swept:
        swept_too = f", and {swept} half-written files" if swept else ""
        say(f"removed {len(gone)}, {size(sum(each.size for each in gone))}{swept_too}")


def _show(found: Findings) -> None:
    rows = [[each.id, each.kind, size(each.size), each.what] for each in found.waste]
    print_table(["id", "kind", "size", "what"], rows, empty="nothing is there that no run refers to")
    if found.left:
        say(f"{found.left} artifacts that nobody has recorded stay: runs go on, and may be writing them")


def _agreed(found: Findings) -> bool:
    """Ask a person whether to go on; without one the answer is no."""
    if not found.waste:
        return False
    total = size(sum(each.size for each in found.waste))
    if not sys.stdin.isatty():
        say(f"nothing is removed without a word: --yes removes these {len(found.waste)}, {total}")
        return False
    return click.confirm(f"Remove these {len(found.waste)}, {total}?", err=True)


def _document(found: Findings, gone: Sequence[Waste], swept: int, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "found": [
            {"id": each.id, "kind": each.kind, "size": each.size, "what": each.what} for each in found.waste
        ],
        "size": sum(each.size for each in found.waste),
        "left_for_live_runs": found.left,
        "removed": [each.id for each in gone],
        "swept": swept,
    }

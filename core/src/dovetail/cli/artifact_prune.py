"""`dovetail artifact prune`: removing what no run refers to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import click

from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.cli.run_view import size
from dovetail.client import Client
from dovetail.client.neighbours import Neighbour, neighbours
from dovetail.client.pruning import Findings, Pruning, Waste
from dovetail.components.metadata_store import MetadataStore
from dovetail.errors import ConflictError, DovetailError
from dovetail.records.stack import StackRecord
from dovetail.stacks.profile_store import active_profile_name

_INDEX = "metadata_store"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Go on although a stack or profile cannot be asked what it refers to."
)
@json_option
def prune(*, dry_run: bool, yes: bool, force: bool, as_json: bool) -> None:
    """Remove what no run refers to: artifacts, and files that killed or deleted runs left behind.

    Nothing that a run has or reads is touched, and nothing that a live run may be writing: the metadata
    stores of all stacks that keep artifacts in the same place are asked, also those of other profiles. Where
    nobody can be asked for consent, nothing is removed without --yes.
    """
    with Client() as client, ExitStack() as opened:
        asked, others = _others(client.stack, opened, force=force or dry_run)
        pruning = Pruning(client.records.metadata, client.records.artifacts, others)
        said = ", ".join(f"{each.stack.components[_INDEX].name!r} of {_title(each)}" for each in asked)
        if not as_json:
            say(f"asked metadata store {said}")
        found = pruning.find()
        if not as_json:
            _show(found)
        goes = not dry_run and (yes or (not as_json and _agreed(found)))
        gone = list(pruning.remove(found.waste)) if goes else []
        swept = pruning.sweep() if goes else 0
    if as_json:
        print_json(
            {**_document(found, gone, swept, dry_run=not goes), "asked": [_named(each) for each in asked]}
        )
    elif gone or swept:
        swept_too = f", and {swept} half-written files" if swept else ""
        say(f"removed {len(gone)}, {size(sum(each.size for each in gone))}{swept_too}")


def _others(
    stack: StackRecord, opened: ExitStack, *, force: bool
) -> tuple[list[Neighbour], list[MetadataStore]]:
    """Return which stacks are asked what they refer to, and the opened metadata stores of all but the first.

    Raises:
        ConflictError: one cannot be asked, and nobody insists.
    """
    around = neighbours(stack)
    asked, indexes, silent = [Neighbour(active_profile_name(), stack)], [], dict(around.unread)
    for each in around.found:
        try:
            indexes.append(opened.enter_context(Client(each.stack)).records.metadata)
            asked.append(each)
        except DovetailError as error:
            silent[f"the metadata store of {_title(each)}"] = error
    for who, why in silent.items():
        if not force:
            raise ConflictError(
                f"{who} may refer to what is in this artifact store, and cannot be asked: {why.message}",
                hint="mend it, or delete what nobody uses; --force prunes what all others do not know",
            )
        say(f"not asked, although it may refer to what is here: {who}: {why.message}")
    return asked, indexes


def _title(each: Neighbour) -> str:
    return f"stack {each.stack.name!r} of profile {each.profile!r}"


def _named(each: Neighbour) -> dict[str, str]:
    return {
        "profile": each.profile,
        "stack": each.stack.name,
        "metadata_store": each.stack.components[_INDEX].name,
    }


def _show(found: Findings) -> None:
    rows = [[each.id, each.kind, each.run, each.step, size(each.size), each.what] for each in found.waste]
    print_table(
        ["id", "kind", "run", "step", "size", "what"], rows, empty="nothing is there that no run refers to"
    )
    if found.left:
        say(f"{found.left} artifacts or archives that nothing refers to stay: runs go on, and may need them")


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
            {
                "id": each.id,
                "kind": each.kind,
                "run": each.run or None,
                "step": each.step or None,
                "size": each.size,
                "what": each.what,
            }
            for each in found.waste
        ],
        "size": sum(each.size for each in found.waste),
        "left_for_live_runs": found.left,
        "removed": [each.id for each in gone],
        "swept": swept,
    }

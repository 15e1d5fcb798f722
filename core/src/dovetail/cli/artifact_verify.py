"""`dovetail artifact verify`: whether the files of artifacts are what was stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from dovetail.cli.render import json_option, print_json, print_table
from dovetail.cli.run_names import artifact_ids, run_names
from dovetail.cli.run_view import size
from dovetail.cli.tally import Tally
from dovetail.client import ArtifactView, Client
from dovetail.errors import ArtifactError, UsageError


@click.command()
@click.argument("artifacts", metavar="[ARTIFACT]...", nargs=-1, shell_complete=artifact_ids)
@click.option("--run", metavar="RUN", shell_complete=run_names, help="All that the steps of this run have.")
@click.option("--all", "everything", is_flag=True, help="All that any run has made.")
@json_option
def verify(*, artifacts: tuple[str, ...], run: str | None, everything: bool, as_json: bool) -> None:
    """Check the files of artifacts against recorded sizes and digests; exit code 8 where one is damaged."""
    if not (artifacts or run or everything):
        raise UsageError("say which artifacts to verify", hint="name some, or give --run RUN or --all")
    count = total = 0
    damaged: list[dict[str, Any]] = []
    with Client() as client, Tally() as tally:
        for view in chosen(client, artifacts, run, everything=everything):
            tally.show(f"verified {count}, {size(total)}; {len(damaged)} damaged")
            count, total = count + 1, total + view.size
            if problems := view.verify():
                damaged.append({"id": view.id, "step": view.step, "output": view.name, "problems": problems})
    if as_json:
        print_json({"verified": count, "damaged": damaged})
    else:
        rows = [[each["id"], each["step"], each["output"], "; ".join(each["problems"])] for each in damaged]
        print_table(
            ["artifact", "step", "output", "what is wrong"], rows, empty=f"{count} verified, none damaged"
        )
    if damaged:
        raise ArtifactError(
            f"{len(damaged)} of {count} artifacts are damaged",
            hint="nothing of them is used, the next run computes what it needs anew; when the runs that have "
            "them are deleted, `dovetail artifact prune` removes them",
        )


def chosen(
    client: Client, artifacts: tuple[str, ...], run: str | None, *, everything: bool = False
) -> Iterator[ArtifactView]:
    """Yield the artifacts that a person means, each once."""
    if everything:
        yield from client.artifacts()
        return
    views = [client.artifact(each) for each in artifacts]
    if run is not None:
        views += client.run(run).outputs.values()
    yield from {each.id: each for each in views}.values()

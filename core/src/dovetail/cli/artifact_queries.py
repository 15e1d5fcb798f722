"""`dovetail artifact list|show`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from dovetail.cli.render import json_option, print_fields, print_json, print_lines, print_table, say
from dovetail.cli.run_names import artifact_ids, pipeline_names, run_names
from dovetail.cli.run_view import artifact_summary, moment, size
from dovetail.client import ArtifactView, Client, RunView


@click.command("list")
@click.option("--run", metavar="RUN", shell_complete=run_names, help="Only what the steps of this run have.")
@click.option("--pipeline", shell_complete=pipeline_names, help="Only of this pipeline.")
@click.option("--step", help="Only of this step.")
@click.option("--output", help="Only outputs of this name.")
@click.option("--type", help="Only of this type, as `artifact show` names it.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option(
    "--before", metavar="ARTIFACT", shell_complete=artifact_ids, help="Only artifacts made before this one."
)
@json_option
def list_artifacts(*, run: str | None, limit: int, as_json: bool, **filters: str | None) -> None:
    """List artifacts, newest first. A cached step has those of the run that computed them."""
    with Client() as client:
        if filters["before"] is not None:
            filters["before"] = client.artifact(filters["before"]).id
        if run is None:
            found = list(client.artifacts(**filters, limit=limit + 1))
        else:
            found = list(islice(_of_run(client.run(run), **filters), limit + 1))
    shown, more = found[:limit], found[limit:]
    if as_json:
        print_json([artifact_summary(each) for each in shown])
        return
    rows = [
        [each.id, each.step, each.name, size(each.size), moment(each.created), each.type] for each in shown
    ]
    print_table(["artifact", "step", "output", "size", "made", "type"], rows, empty="no artifacts")
    if more:
        say(f"there are more: --before {shown[-1].id}")


def _of_run(
    run: RunView,
    *,
    pipeline: str | None,
    step: str | None,
    output: str | None,
    type: str | None,  # noqa: A002 - what the option is called
    before: str | None,
) -> Iterator[ArtifactView]:
    """Yield what a run has, also from earlier runs, newest first; `step` is a step of this run."""
    if pipeline not in {None, run.pipeline}:
        return
    chosen = run.artifacts(
        {
            f"{each.name}.{name}": artifact
            for each in run.steps.values()
            if step in {None, each.name} and each.record
            for name, artifact in each.record.outputs.items()
            if output in {None, name}
        }
    )
    found = {each.id: each for each in chosen.values() if type in {None, each.type}}
    yield from (found[each] for each in sorted(found, reverse=True) if before is None or each < before)


@click.command()
@click.argument("artifact", shell_complete=artifact_ids)
@json_option
def show(artifact: str, *, as_json: bool) -> None:
    """Show ARTIFACT, by its id or the beginning of it: files, origin, readers."""
    with Client() as client:
        view = client.artifact(artifact)
        document = _document(view)
    if as_json:
        print_json(document)
        return
    readers = [f"{each['run']} {each['step']}" for each in document["consumers"]]
    origin = document["producer"]
    print_fields(
        {
            **{
                key: value for key, value in document.items() if key not in {"producer", "consumers", "files"}
            },
            "size": size(view.size),
            "created": moment(view.created),
            "run": origin["run"] if origin else None,
            "upstream": document["upstream"],
            "read by": readers,
        }
    )
    print_lines([""])
    files = [[each["path"], size(each["size"]), each["digest"]] for each in document["files"]]
    print_table(["file", "size", "digest"], files, empty="no files")


def _document(view: ArtifactView) -> dict[str, Any]:
    origin = view.producer
    return {
        **artifact_summary(view),
        "producer": {"run": origin.run.name, "step": origin.name} if origin else None,
        "consumers": [{"run": each.run.name, "step": each.name} for each in view.consumers],
        "upstream": [each.id for each in view.upstream()],
        "files": [each.model_dump() for each in view.record.files],
    }

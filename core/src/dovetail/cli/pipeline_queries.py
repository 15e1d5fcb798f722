"""`dovetail pipeline list|show`: looking at pipelines that have run."""

from __future__ import annotations

from typing import Any

import click

from dovetail.cli.render import json_option, print_json, print_lines, print_table
from dovetail.cli.run_names import pipeline_names
from dovetail.cli.run_view import iso, moment, run_summary, seconds
from dovetail.client import Client, PipelineView, RunView


@click.command("list")
@json_option
def list_pipelines(*, as_json: bool) -> None:
    """List the pipelines that have run on the active stack."""
    with Client() as client:
        found = client.pipelines
    if as_json:
        print_json([_summary(each) for each in found])
        return
    rows = [[each.name, each.count, moment(each.last_started)] for each in found]
    print_table(["pipeline", "runs", "last started"], rows, empty="no pipeline has run yet")


@click.command()
@click.argument("name", shell_complete=pipeline_names)
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="So many runs.")
@json_option
def show(name: str, *, limit: int, as_json: bool) -> None:
    """Show the pipeline NAME: the steps of its newest run, and its newest runs."""
    with Client() as client:
        pipeline = client.pipeline(name)
        runs = list(client.runs(name, limit=limit))
        steps = [_step(runs[0], each) for each in runs[0].steps]
    if as_json:
        print_json({**_summary(pipeline), "steps": steps, "newest": [run_summary(each) for each in runs]})
        return
    print_lines([f"pipeline {pipeline.name}, {pipeline.count} runs", ""])
    rows = [
        [each["name"], each["source"], ", ".join(each["after"]), _typed(each["outputs"])] for each in steps
    ]
    print_table(["step", "source", "after", "outputs"], rows)
    print_lines([""])
    print_table(
        ["run", "status", "started", "duration"],
        [[each.name, each.status, moment(each.started), seconds(each.duration)] for each in runs],
    )


def _typed(outputs: dict[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in outputs.items())


def _summary(pipeline: PipelineView) -> dict[str, Any]:
    return {"name": pipeline.name, "runs": pipeline.count, "last_started": iso(pipeline.last_started)}


def _step(run: RunView, name: str) -> dict[str, Any]:
    plan = run.step(name).plan
    return {
        "name": name,
        "source": f"{plan.source.path or plan.source.module}:{plan.source.qualname}",
        "after": sorted(plan.upstream()),
        "outputs": {each.name: each.type for each in plan.outputs},
        "parameters": dict(plan.parameters),
    }

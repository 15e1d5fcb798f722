"""What a shell completes of what has happened: names of runs, pipelines and steps, and ids of artifacts."""

from __future__ import annotations

from typing import Any

import click

from dovetail.cli.names import items
from dovetail.client import Client
from dovetail.client.client import LAST
from dovetail.components.metadata_store import ArtifactQuery
from dovetail.errors import DovetailError

_MOST = 50


def run_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Offer `last` and the newest runs whose name begins so."""
    try:
        with Client() as client:
            known = {run.name: f"{run.status}" for run in client.runs(prefix=incomplete or None, limit=_MOST)}
    except DovetailError:  # a word that cannot be completed is no error
        known = {}
    return items({LAST: "the newest run", **known}, incomplete)


def pipeline_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the pipelines that have run."""
    try:
        with Client() as client:
            known = {each.name: f"{each.count} runs" for each in client.pipelines}
    except DovetailError:  # the same
        known = {}
    return items(known, incomplete)


def step_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the steps of the run that stands before on the command line, else of the newest."""
    try:
        with Client() as client:
            run = client.run(context.params.get("run_ref") or context.params.get("base") or LAST)
            known = {name: f"{step.status}" for name, step in run.steps.items()}
    except DovetailError:  # the same
        known = {}
    return items(known, incomplete)


def artifact_ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the newest artifacts whose id begins so."""
    try:
        with Client() as client:
            query = ArtifactQuery(prefix=incomplete or None, limit=_MOST)
            found = client.records.metadata.artifacts(query)
            known = {each.id: f"{each.step}.{each.output}" for each in found}
    except DovetailError:  # the same
        known = {}
    return items(known, incomplete)

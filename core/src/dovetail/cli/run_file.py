"""`dovetail run FILE`: a script up to its `.run()`, or a compiled plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.render import print_json
from dovetail.cli.run_view import run_document, show_run
from dovetail.cli.step_options import read_parameters, selecting, setting_parameters
from dovetail.client import RunView
from dovetail.errors import DovetailError, UsageError
from dovetail.execution.api import Pipeline, Request, run
from dovetail.execution.attempt.script import (
    Captured,
    body_problem,
    execute,
    pipelines_run_in,
    script_problem,
)
from dovetail.planning.yaml_plan import load_plan
from dovetail.yamlio import read_file

_PLANS = {".yaml", ".yml"}
_SELECTION = ("from_step", "to_step", "only", "skip", "base")


class FileCommand(click.Command):
    """A command that is called by its first argument."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Leave that argument out: it is the name of the command already."""
        return [each for each in super().collect_usage_pieces(ctx) if not each.startswith("FILE")]


@click.command(cls=FileCommand, name="FILE", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", metavar="FILE[:PIPELINE]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- SCRIPT ARGUMENTS]")
@setting_parameters
@click.option(
    "--config", type=click.Path(dir_okay=False), help="YAML file with parameters and options of steps."
)
@click.option("--stack", metavar="NAME", help="Run on this stack instead of the active one.")
@click.option("--name", metavar="NAME", help="Name of the run.")
@selecting
@click.option("--no-cache", is_flag=True, help="Run every step, whatever earlier runs computed.")
@click.option(
    "--in-process", is_flag=True, help="Call the steps in this process: for debugging and tiny steps."
)
@click.option("--max-workers", type=click.IntRange(min=1), metavar="N", help="Steps at the same time.")
@click.option(
    "--failure-policy",
    type=click.Choice(["stop", "continue"]),
    help="After a failure start nothing more (default), or what does not depend on it.",
)
@click.option(
    "--source", type=click.Path(file_okay=False), help="For a plan: the directory that holds its code."
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def run_file(
    file: str, arguments: tuple[str, ...], config: str | None, source: str | None, **given: Any
) -> None:
    """Run FILE: a script up to its `.run()`, or a plan that `pipeline compile` wrote."""
    name, wanted = _split(file)
    path = Path(name).resolve()
    request = _request(given)
    if source is not None and path.suffix not in _PLANS:
        raise UsageError("--source goes with a plan", hint="a script's code is where the script is")
    with output_aside(wanted=given["as_json"]):
        if path.suffix in _PLANS:
            ended = _run_plan(path, wanted, config, source, request)
        else:
            pipeline, request = capture(path, list(arguments), wanted, request)
            pipeline = pipeline.configure(config) if config else pipeline
            with composing(pipeline):
                ended = pipeline.execute(request)
    if given["as_json"]:
        print_json(run_document(ended))
    else:
        show_run(ended)
    sys.exit(0 if ended.status == "completed" else 1)


def _request(given: dict[str, Any]) -> Request:
    return Request(
        stack=given["stack"],
        name=given["name"],
        max_workers=given["max_workers"],
        in_process=given["in_process"],
        enable_cache=False if given["no_cache"] else None,
        failure_policy=given["failure_policy"],
        parameters=read_parameters(given["parameters"]),
        quiet=given["quiet"] or given["as_json"],
        **{name: given[name] for name in _SELECTION},
    )


def _split(file: str) -> tuple[str, str | None]:
    name, colon, wanted = file.rpartition(":")
    return (name, wanted) if colon and name.endswith((".py", ".yaml", ".yml")) else (file, None)


def _run_plan(
    path: Path, wanted: str | None, config: str | None, source: str | None, request: Request
) -> RunView:
    if wanted or config or request.parameters:
        raise UsageError(
            "a plan is complete and takes no pipeline, --config or --param", hint="compile another plan"
        )
    try:
        text = read_file(path)
    except OSError as error:
        raise UsageError(
            f"cannot read {str(path)!r}: {error.strerror}", hint="name a .py or .yaml file"
        ) from error
    return run(load_plan(text, str(path)), source=source, request=request)


def capture(
    path: Path, arguments: list[str], wanted: str | None, request: Request
) -> tuple[Pipeline, Request]:
    """Execute a script up to its `.run()`; return the pipeline, and the request as the script made it.

    Raises:
        UsageError: the script raised, has no pipeline, or several and none is named.
    """
    try:
        module, captured = execute(path, arguments, wanted)
    except DovetailError:
        raise
    except Exception as error:
        raise script_problem(error, path) from error
    known = {each.name: each for each in vars(module).values() if isinstance(each, Pipeline)}
    if captured is not None and isinstance(captured.pipeline, Pipeline):
        if wanted is None:
            _refuse_several(path, vars(module))
        return captured.pipeline, _merge(request, captured)
    if wanted is not None and wanted in known:
        return known[wanted], request
    if wanted is None and len(known) == 1:
        return next(iter(known.values())), request
    if not known:
        raise UsageError(
            f"{path.name!r} has no pipeline", hint="decorate a function with @pipeline and call .run()"
        )
    names = ", ".join(sorted(known))
    if wanted is None:
        raise UsageError(
            f"{path.name!r} has several pipelines: {names}", hint=f"name one: {path.name}:{min(known)}"
        )
    raise UsageError(f"{path.name!r} has no pipeline {wanted!r}", hint=f"it has: {names}")


@contextmanager
def composing(pipeline: Pipeline) -> Iterator[None]:
    """Let what the pipeline's own body raises end the command as an error of the definition."""
    try:
        yield
    except Exception as error:
        problem = body_problem(error, pipeline.name, pipeline.definition.function)
        if problem is None:
            raise
        raise problem from error


def _refuse_several(path: Path, names: dict[str, Any]) -> None:
    known = {name: each.name for name, each in names.items() if isinstance(each, Pipeline)}
    run_there = pipelines_run_in(path, known)
    if len(run_there) > 1:
        listed = ", ".join(sorted(run_there))
        raise UsageError(
            f"{path.name!r} runs several pipelines: {listed}", hint=f"name one: {path.name}:{min(run_there)}"
        )


def _merge(request: Request, captured: Captured) -> Request:
    asked = captured.request
    if not isinstance(asked, Request):
        return request
    given = request if request.selection.partial else asked
    return replace(
        request,
        stack=request.stack or asked.stack,
        name=request.name or asked.name,
        max_workers=request.max_workers or asked.max_workers,
        in_process=request.in_process or asked.in_process,
        enable_cache=asked.enable_cache if request.enable_cache is None else request.enable_cache,
        failure_policy=request.failure_policy or asked.failure_policy,
        parameters={**asked.parameters, **request.parameters},
        **{name: getattr(given, name) for name in _SELECTION},
    )

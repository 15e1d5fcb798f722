"""`dovetail pipeline compile`: a script becomes a plan, nothing runs."""

from __future__ import annotations

from pathlib import Path

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.render import say
from dovetail.cli.run_file import capture, composing
from dovetail.errors import UsageError
from dovetail.execution.api import Request
from dovetail.planning.parameter_values import CommandLineText
from dovetail.planning.yaml_plan import dump_plan


@click.command("compile")
@click.argument("file", metavar="FILE[:PIPELINE]")
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="File to write; default: print.")
@click.option("--stack", metavar="NAME", help="Compile for this stack instead of the active one.")
@click.option(
    "--config", type=click.Path(dir_okay=False), help="YAML file with parameters and options of steps."
)
@click.option(
    "--param", "parameters", multiple=True, metavar="STEP.NAME=VALUE", help="Set a parameter of a step."
)
def command(
    file: str, *, output: str | None, stack: str | None, config: str | None, parameters: tuple[str, ...]
) -> None:
    """Compile the pipeline of the script FILE to a plan in YAML, which `dovetail run` takes."""
    name, _, wanted = file.rpartition(":") if file.rpartition(":")[0].endswith(".py") else (file, "", "")
    with output_aside(wanted=output is None):
        pipeline, request = capture(Path(name).resolve(), [], wanted or None, Request(stack=stack))
        given = {**request.parameters, **dict(map(_pair, parameters))}
        pipeline = pipeline.configure(config) if config else pipeline
        with composing(pipeline):
            plan = pipeline.compile(stack=request.stack, parameters=given)
    text = dump_plan(plan)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {output!r}: {error.strerror}", hint="choose another place with -o"
        ) from error
    say(f"wrote the plan of pipeline {pipeline.name!r} to {output}")


def _pair(text: str) -> tuple[str, CommandLineText]:
    key, sign, value = text.partition("=")
    if not sign or "." not in key:
        raise UsageError(
            f"--param {text!r} is not of the form STEP.NAME=VALUE", hint="--param trainer.epochs=3"
        )
    return key, CommandLineText(value)

"""`dovetail stack image build|push`: a project and the wheels of a stack as a container image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dovetail.cli.lazy import LazyGroup
from dovetail.cli.names import stack_names
from dovetail.cli.render import json_option, print_fields, print_json, print_lines, say
from dovetail.references import load
from dovetail.stacks.workspace import source_root

_IMAGE = "dovetail.execution.image"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXISTING = click.Path(file_okay=False, exists=True, path_type=Path)


@click.group(
    cls=LazyGroup,
    verbs={
        "build": (f"{__name__}:build", "Make an image of the code and the wheels of a stack."),
        "push": (f"{__name__}:push", "Send the image to the container registry of the stack."),
    },
)
def group() -> None:
    """Make a container image in which the steps of a project run, and send it to a registry."""


@click.command()
@click.argument("name", metavar="[STACK]", required=False, shell_complete=stack_names)
@click.option("--base", metavar="IMAGE", help="What to build on. [default: python:<this version>-slim]")
@click.option(
    "--requirement",
    "requirements",
    multiple=True,
    metavar="NAME",
    help="A distribution to put in as well, as it is installed here.",
)
@click.option("--tag", help="How to call the image. [default: from the digest of the code]")
@click.option("--output", type=_FOLDER, help="Where to write the layout. [default: in .dovetail/images]")
@click.option("--find-links", type=_EXISTING, metavar="DIR", help="Take wheels from this folder first.")
@click.option("--no-check", is_flag=True, help="Do not see whether a step can run in it.")
@click.option("--dry-run", is_flag=True, help="Say what would go into it, and make nothing.")
@json_option
def build(  # noqa: PLR0913 - a command line
    name: str | None,
    *,
    base: str | None,
    requirements: tuple[str, ...],
    tag: str | None,
    output: Path | None,
    find_links: Path | None,
    no_check: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make an image of the code of this project and the wheels of STACK, of the active one by default.

    It holds the code archive, Dovetail, the wheels of the stack and what these need, in the versions that are
    installed here, and starts a step. No setting of the stack and no secret is in it. Needs buildah.
    """
    building = f"{_IMAGE}.building"
    order = load(f"{building}:Order")(
        stack=load("dovetail.stacks.assemble:active_stack_record")(name),
        root=source_root(),
        base=base or load(f"{_IMAGE}.recipe:default_base")(),
        requirements=requirements,
        tag=tag,
        find_links=find_links,
    )
    found = load(f"{building}:contents")(order)
    document: dict[str, Any] = found.document()
    if dry_run:
        (print_json if as_json else print_fields)(document)
        return
    place = (output or load(f"{_IMAGE}.layout:default_layout")(order.stack.name)).absolute()
    made = load(f"{building}:build")(found, place, say, replace=output is None, check=not no_check)
    if as_json:
        print_json({**document, "digest": made.digest, "layout": str(place)})
        return
    print_lines([f"built image {made.digest}", f"tagged {found.tag!r}, in {place}"])


@click.command()
@click.argument("name", metavar="[STACK]", required=False, shell_complete=stack_names)
@click.option("--layout", type=_FOLDER, help="Where the image is. [default: where `build` puts it]")
@click.option("--repository", metavar="NAME", help="Where in the registry. [default: dovetail/STACK]")
@click.option("--tag", help="How to call it there. [default: as it was built]")
@json_option
def push(
    name: str | None, *, layout: Path | None, repository: str | None, tag: str | None, as_json: bool
) -> None:
    """Send the image to the container registry of STACK, of the active one by default.

    Prints what a container engine pulls exactly this image by.
    """
    stack = load("dovetail.stacks.assemble:active_stack_record")(name)
    place = (layout or load(f"{_IMAGE}.layout:default_layout")(stack.name)).absolute()
    where = repository or load(f"{_IMAGE}.building:repository_of")(stack.name)
    pushed = load(f"{_IMAGE}.pushing:push")(stack, place, where, tag)
    if as_json:
        image = pushed.image
        found = {"repository": image.repository, "tag": image.tag, "digest": image.digest}
        print_json({"stack": stack.name, "reference": pushed.reference, **found})
        return
    print_lines([pushed.reference])

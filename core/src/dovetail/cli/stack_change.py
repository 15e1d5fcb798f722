"""`dovetail stack register|set|update|copy|rename|delete|export|import`: changing stacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.component_type import component_types
from dovetail.cli.names import component_names, stack_names
from dovetail.cli.render import print_lines
from dovetail.errors import ConflictError, UsageError
from dovetail.references import load
from dovetail.stacks.profile_store import active_stack_name, open_profile, set_stack
from dovetail.stacks.workspace import choice, choose_stack

_REGISTRATION = "dovetail.stacks.registration"


class StackCommand(click.Command):
    """A command with an option for every component type, those of third parties included."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        options: list[click.Parameter] = ctx.meta.setdefault(f"{__name__}.options", component_options())
        return [*super().get_params(ctx), *options]


def component_options() -> list[click.Parameter]:
    """Return an option for each component type: short where the type has a short one, and long."""
    taken = {"-h"}
    options: list[click.Parameter] = []
    for command, kind in component_types().items():
        flags = [kind.flag] if kind.flag and kind.flag not in taken else []
        taken.update(flags)
        options.append(
            click.Option(
                [*flags, f"--{command}", f"component_{kind.name}"],
                metavar="NAME",
                help=f"A registered {kind.title}.",
                shell_complete=component_names(kind.name),
            )
        )
    return options


def _parts(components: Mapping[str, str | None]) -> dict[str, str]:
    return {kind.removeprefix("component_"): name for kind, name in components.items() if name is not None}


@click.command(cls=StackCommand)
@click.argument("name")
@click.option("--set", "activate", is_flag=True, help="Make it the active stack as well.")
def register(name: str, *, activate: bool, **components: str | None) -> None:
    """Register the stack NAME of registered components.

    A stack needs an orchestrator and an artifact store; without a metadata store it has the default one.
    """
    parts = _parts(components)
    open_profile().edit(lambda profile: profile.add_stack(name, parts))
    print_lines([f"registered stack {name!r}"])
    if activate:
        set_stack(name)
        print_lines([f"stack {name!r} is active"])


@click.command("set")
@click.argument("name", shell_complete=stack_names)
def set_active(name: str) -> None:
    """Make NAME the active stack of this workspace (outside of any: of this user)."""
    file = set_stack(name)
    print_lines([f"stack {name!r} is active, says {file}"])
    if active_stack_name(open_profile().name) != name:
        print_lines(["but DOVETAIL_STACK says otherwise and wins"])


@click.command(cls=StackCommand)
@click.argument("name", required=False, shell_complete=stack_names)
@click.option("--remove", multiple=True, metavar="TYPE", help="Take the component of this type out.")
def update(name: str | None, remove: tuple[str, ...], **components: str | None) -> None:
    """Replace or add components of the stack NAME, of the active one by default."""
    parts, store = _parts(components), open_profile()
    stack = name or active_stack_name(store.name)
    without = [each.replace("-", "_") for each in remove]
    if not parts and not without:
        raise UsageError("nothing to change was given", hint="see dovetail stack update --help")
    store.edit(lambda profile: profile.update_stack(stack, parts, without))
    print_lines([f"updated stack {stack!r}"])


@click.command()
@click.argument("name", shell_complete=stack_names)
@click.argument("copied", metavar="NEW")
def copy(name: str, copied: str) -> None:
    """Register the stack NEW with the components of NAME."""
    open_profile().edit(lambda profile: profile.copy_stack(name, copied))
    print_lines([f"registered stack {copied!r}"])


@click.command()
@click.argument("name", shell_complete=stack_names)
@click.argument("new", metavar="NEW")
def rename(name: str, new: str) -> None:
    """Give the stack NAME another name."""
    store = open_profile()
    store.edit(lambda profile: profile.rename_stack(name, new))
    if choice().stacks.get(store.name) == name:
        choose_stack(store.name, new)
    print_lines([f"stack {name!r} is now {new!r}"])


@click.command()
@click.argument("name", shell_complete=stack_names)
def delete(name: str) -> None:
    """Remove the stack NAME; its components and what they stored stay."""
    store = open_profile()
    store.read().stack(name)
    if name == active_stack_name(store.name):
        raise ConflictError(
            f"stack {name!r} is the active one", hint="`dovetail stack set` another one first"
        )
    store.edit(lambda profile: profile.remove_stack(name))
    print_lines([f"deleted stack {name!r}"])


@click.command("export")
@click.argument("name", shell_complete=stack_names)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export_stack(name: str, file: Path | None) -> None:
    """Write the stack NAME with its components to FILE, or print it."""
    text: str = load("dovetail.yamlio:write_yaml")(load(f"{_REGISTRATION}:export_stack")(name))
    if file is None:
        click.echo(text, nl=False)
        return
    if file.exists():
        raise ConflictError(f"{str(file)!r} is there already", hint="name another file, or remove it")
    load("dovetail.stacks.document:write_text")(file, text)
    print_lines([f"wrote {file}"])


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="Register it under this name.")
def import_stack(file: Path, name: str | None) -> None:
    """Register the stack that `dovetail stack export` wrote to FILE, and its components."""
    with output_aside():  # the settings of its flavors are imported
        stack, added = load(f"{_REGISTRATION}:import_stack")(file, name)
    print_lines([*(f"registered {each.title}" for each in added), f"registered stack {stack!r}"])

"""`dovetail integration`: what plugs in, what could, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from dovetail.cli.consent import agreed
from dovetail.cli.integration_verify import verify
from dovetail.cli.render import json_option, print_fields, print_json, print_table, say
from dovetail.discovery import keeping
from dovetail.discovery.index import Index, load_index
from dovetail.discovery.integration import CORE_WHEEL, Integration, State
from dovetail.errors import IntegrationError, UsageError
from dovetail.references import load

_INSTALL = "dovetail.discovery.install"
_NO_TROUBLE = {State.OK, State.AVAILABLE, State.DISABLED}
_Command = Callable[..., Any]

yes_option: Callable[[_Command], _Command] = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
dry_option: Callable[[_Command], _Command] = click.option(
    "--dry-run", is_flag=True, help="Show what would be done, and do nothing."
)


@click.group("integration")
def group() -> None:
    """List and install what plugs in."""


@group.command("list")
@click.option("--refresh", is_flag=True, help="Ask every integration again, also what is broken.")
@json_option
def list_integrations(*, refresh: bool, as_json: bool) -> None:
    """List what is installed, and what the catalog offers."""
    index = load_index(refresh=refresh)
    everything = [*index.integrations, *index.available()]
    if as_json:
        print_json([each.document() for each in everything])
        return
    rows = [(each.name, each.state, each.wheel, each.version, _about(each)) for each in everything]
    print_table(("name", "state", "wheel", "version", "about"), rows)
    trouble = [each.name for each in everything if each.state not in _NO_TROUBLE]
    if trouble:
        say(f"to see why and what to do: dovetail integration show {'|'.join(trouble)}")


@group.command("show")
@click.argument("name")
@json_option
def show_integration(name: str, *, as_json: bool) -> None:
    """Show one integration: its state with cause and cure, and what it announces."""
    index = load_index()
    found = index.integration(name)
    if as_json:
        print_json(found.document())
        return
    titles = {each.name: each.title for each in index.component_types().values()}
    print_fields({name: value for name, value in _described(found, titles).items() if value})


@group.command("install")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@dry_option
@yes_option
@click.option("--find-links", metavar="DIR", help="Take the wheels from this folder.")
def install(names: Sequence[str], *, dry_run: bool, yes: bool, find_links: str | None) -> int | None:
    """Install integrations of the catalog into this environment; the running core stays as it is."""
    index = load_index()
    folder = load("pathlib:Path")(find_links) if find_links else None
    change = load(f"{_INSTALL}:plan_installation")(names, index, folder)
    for name in change.already:
        say(f"{name} is installed already")
    if not _agreed(change, "install", dry_run=dry_run, yes=yes):
        return None
    load(f"{_INSTALL}:carry_out")(change, say)
    return _report(load_index(), [name for name in names if name not in change.already])


@group.command("uninstall")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@dry_option
@yes_option
def uninstall(names: Sequence[str], *, dry_run: bool, yes: bool) -> None:
    """Remove integrations; what they needed stays."""
    change = load(f"{_INSTALL}:plan_removal")(names, load_index())
    for name in change.already:
        say(f"{name} is not installed")
    if not _agreed(change, "remove", dry_run=dry_run, yes=yes):
        return
    load(f"{_INSTALL}:carry_out")(change, say)
    load_index()
    say(f"removed {', '.join(change.requirements)}")


@group.command("requirements")
@click.argument("names", nargs=-1, metavar="[NAME...]")
def requirements(names: Sequence[str]) -> None:
    """Print requirement lines, with versions where installed: for the named ones, or for all installed."""
    index = load_index()
    found = [index.integration(name) for name in names] or index.integrations
    line = load(f"{_INSTALL}:requirement")
    for each in sorted({line(each) for each in found}):
        click.echo(each)


@group.command("disable")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def disable(names: Sequence[str]) -> None:
    """Do not use integrations any more, and leave them installed."""
    index = load_index()
    found = [index.integration(name) for name in names]
    if any(each.wheel == CORE_WHEEL for each in found):
        raise UsageError("what the core brings along cannot be disabled")
    keeping.disable([*keeping.disabled(), *(each.name for each in found)])
    say(f"disabled {', '.join(each.name for each in found)}")


@group.command("enable")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def enable(names: Sequence[str]) -> int | None:
    """Use disabled integrations again."""
    index = load_index()
    found = [index.integration(name).name for name in names]
    keeping.disable([each for each in keeping.disabled() if each not in found])
    return _report(load_index(), found)


group.add_command(verify)


def _about(integration: Integration) -> str:
    if integration.cause and integration.state not in {State.OK, State.DISABLED}:
        return integration.cause
    return integration.summary


def _described(found: Integration, titles: dict[str, str]) -> dict[str, object]:
    flavors = {titles[kind]: [each.name for each in flavors] for kind, flavors in found.flavors.items()}
    return {
        "name": found.name,
        "state": found.state,
        "cause": found.cause,
        "cure": found.cure,
        "wheel": found.wheel,
        "version": found.version,
        "module": found.module,
        "summary": found.summary,
        "component types": [each.name for each in found.types],
        "flavors": flavors,
        "stores": [name for each in found.materializers for name in each.types],
        "not taken": [f"{each.kind} {each.name}: {each.why}" for each in found.refused],
    }


def _agreed(change: Any, verb: str, *, dry_run: bool, yes: bool) -> bool:  # noqa: ANN401 - its module is loaded late
    """Show what is to be done; say whether to do it."""
    if not change.requirements:
        return False
    say(f"to {verb}: {', '.join(change.requirements)}")
    if change.pinned:
        say(f"stays as it is: {change.pinned}")
    say(f"by: {change.shown}")
    if dry_run:
        return False
    hint = "--yes goes on without asking, --dry-run only shows what would be done"
    if not yes and not agreed("Go on?", asked="go on", hint=hint):
        raise click.Abort
    return True


def _report(index: Index, names: Sequence[str]) -> int | None:
    """Say what has become of integrations; raise where one cannot be used."""
    found = [index.integration(name) for name in dict.fromkeys(names)]
    for each in found:
        say(f"{each.name} ({each.wheel} {each.version}): {each.state}")
    for each in found:
        if not each.state.usable:
            raise IntegrationError(
                f"{each.name!r} is {each.state}: {each.cause}", hint=each.cure, where=each.wheel
            )
    return None

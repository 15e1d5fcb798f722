"""`dovetail profile ...`: sets of stacks and components that are kept apart."""

from __future__ import annotations

import click

from dovetail.cli.names import all_profiles
from dovetail.cli.render import json_option, print_fields, print_json, print_lines, print_table
from dovetail.stacks.profile_store import (
    active_profile_name,
    active_stack_name,
    create_profile,
    delete_profile,
    open_profile,
    profile_names,
    set_profile,
)


@click.group()
def group() -> None:
    """Keep sets of stacks and components apart."""


@group.command()
@click.argument("name")
@click.option("--url", help="Keep it in the database at this SQLAlchemy URL, shared with others.")
@click.option("--set", "activate", is_flag=True, help="Make it the active profile as well.")
def create(name: str, url: str | None, *, activate: bool) -> None:
    """Make the profile NAME; it begins with the stack 'default'."""
    store = create_profile(name, url)
    print_lines([f"made profile {name!r} in {store.place}"])
    if activate:
        set_profile(name)
        print_lines([f"profile {name!r} is active"])


@group.command("list")
@json_option
def list_profiles(*, as_json: bool) -> None:
    """List the profiles."""
    active = active_profile_name()
    documents = [
        {"name": name, "active": name == active, "place": open_profile(name).place}
        for name in profile_names()
    ]
    if as_json:
        print_json(documents)
        return
    rows = [["*" if each["active"] else " ", each["name"], each["place"]] for each in documents]
    print_table(["", "name", "place"], rows)


@group.command("set")
@click.argument("name", shell_complete=all_profiles)
def set_active(name: str) -> None:
    """Make NAME the active profile of this workspace (outside of any: of this user)."""
    file = set_profile(name)
    print_lines([f"profile {name!r} is active, says {file}"])
    if active_profile_name() != name:
        print_lines(["but DOVETAIL_PROFILE says otherwise and wins"])


@group.command()
@click.argument("name", required=False, shell_complete=all_profiles)
@json_option
def show(name: str | None, *, as_json: bool) -> None:
    """Show the profile NAME, the active one by default."""
    store = open_profile(name)
    profile = store.read()
    document = {
        "name": profile.name,
        "active": profile.name == active_profile_name(),
        "place": store.place,
        "active_stack": active_stack_name(profile.name),
        "stacks": list(profile.stacks),
        "components": {kind: list(named) for kind, named in profile.components.items()},
    }
    (print_json if as_json else print_fields)(document)


@group.command()
@click.argument("name", shell_complete=all_profiles)
def delete(name: str) -> None:
    """Remove the profile NAME; what its stacks stored stays.

    Of a profile in a database only the way to it is removed.
    """
    delete_profile(name)
    print_lines([f"deleted profile {name!r}"])

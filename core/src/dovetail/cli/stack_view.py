"""`dovetail stack list|show|describe`: looking at stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dovetail.cli.names import stack_names
from dovetail.cli.render import json_option, print_fields, print_json, print_lines, print_table
from dovetail.stacks.profile import Profile
from dovetail.stacks.profile_store import active_stack_name, open_profile

_ALWAYS = ("orchestrator", "artifact_store", "metadata_store")


@click.command("list")
@json_option
def list_stacks(*, as_json: bool) -> None:
    """List the stacks of the active profile."""
    profile = open_profile().read()
    active = active_stack_name(profile.name)
    if as_json:
        print_json(
            [
                {"name": name, "active": name == active, "components": parts}
                for name, parts in profile.stacks.items()
            ]
        )
        return
    rows = [_row(name, parts, active=name == active) for name, parts in profile.stacks.items()]
    headings = ["", "name", *(kind.replace("_", " ") for kind in _ALWAYS), "further"]
    print_table(headings, rows, empty=f"no stacks in profile {profile.name!r}")


def _row(name: str, parts: Mapping[str, str], *, active: bool) -> list[str]:
    further = [f"{kind.replace('_', '-')}={part}" for kind, part in parts.items() if kind not in _ALWAYS]
    return ["*" if active else " ", name, *(parts.get(kind, "") for kind in _ALWAYS), ", ".join(further)]


@click.command()
@click.argument("name", required=False, shell_complete=stack_names)
@json_option
def show(name: str | None, *, as_json: bool) -> None:
    """Show the components of the stack NAME, of the active one by default."""
    profile = open_profile().read()
    document = _document(profile, name)
    if as_json:
        print_json(document)
        return
    state = "active" if document["active"] else "not active"
    print_lines([f"stack {document['name']!r} of profile {profile.name!r} ({state})", ""])
    components = document["components"]
    rows = [[kind.replace("_", " "), each["name"], each["flavor"]] for kind, each in components.items()]
    print_table(["type", "name", "flavor"], rows)


@click.command()
@click.argument("name", required=False, shell_complete=stack_names)
@json_option
def describe(name: str | None, *, as_json: bool) -> None:
    """Show the stack NAME with the settings of its components, the active one by default."""
    document = _document(open_profile().read(), name)
    (print_json if as_json else print_fields)(document)


def _document(profile: Profile, name: str | None) -> dict[str, Any]:
    active = active_stack_name(profile.name)
    name = name or active
    parts = [profile.component(kind, part) for kind, part in profile.stack(name).items()]
    shown = {
        each.type: {"name": each.name, "flavor": each.flavor, "config": dict(each.config)} for each in parts
    }
    return {"name": name, "profile": profile.name, "active": name == active, "components": shown}

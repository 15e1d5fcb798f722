"""`dovetail secret get|list`."""

from __future__ import annotations

import click

from dovetail.cli.render import json_option, print_fields, print_json, print_table
from dovetail.cli.secret_sources import manager_of_stack, scope_of, scope_option, tell_scopes
from dovetail.errors import NotFoundError, did_you_mean
from dovetail.redaction import MASK


@click.command()
@click.argument("name")
@scope_option
@click.option("--key", help="Only this key.")
@click.option("--reveal", is_flag=True, help="Show the values.")
@json_option
def get(name: str, scope: str, key: str | None, *, reveal: bool, as_json: bool) -> None:
    """Show the secret NAME; its values are masked unless --reveal says otherwise."""
    place = scope_of(scope)
    with manager_of_stack() as manager:
        values = dict(manager.get(name, scope=place))
        schema = manager.schema(name, scope=place)
    if key is not None and key not in values:
        raise NotFoundError(
            f"secret {name!r} has no key {key!r}",
            hint=did_you_mean(key, list(values)) or f"it has {', '.join(values)}",
        )
    shown = {each: value if reveal else MASK for each, value in values.items() if key in {None, each}}
    if as_json:
        print_json({"name": name, "scope": scope, "schema": schema, "values": shown})
    elif key is not None and reveal:
        click.echo(shown[key])
    else:
        print_fields({"name": name, "scope": scope, "schema": schema, **shown})


@click.command("list")
@click.option("--scope", metavar="SCOPE", help="Only this scope; by default global and the active profile.")
@json_option
def list_secrets(scope: str | None, *, as_json: bool) -> None:
    """List the names of the secrets; no value is read for it."""
    places = [scope_of(each) for each in ([scope] if scope else ["global", "profile"])]
    with manager_of_stack() as manager:
        documents = [
            {"name": name, "scope": place or "global", "schema": manager.schema(name, scope=place)}
            for place in places
            for name in manager.names(scope=place)
        ]
        where = manager.name
    if as_json:
        print_json(documents)
    else:
        print_table(
            ["name", "scope", "schema"],
            [list(each.values()) for each in documents],
            empty=f"no secrets in {where!r}",
        )
    if scope is None:
        tell_scopes(places)

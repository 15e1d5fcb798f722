"""`dovetail artifact-store register|list|show|update|delete|flavors`, and the same for every type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dovetail.cli.aside import output_aside
from dovetail.cli.component_type import INDEX
from dovetail.cli.names import Completion, component_names, items
from dovetail.cli.render import json_option, print_fields, print_json, print_lines, print_table
from dovetail.components.flavor import ComponentType
from dovetail.errors import UsageError
from dovetail.references import load
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import open_profile

_REGISTRATION = "dovetail.stacks.registration"
_FREE = {"ignore_unknown_options": True}
_FURTHER = {
    "metadata_store": (
        "dovetail.cli.metadata_store_copy:copy",
        "dovetail.cli.metadata_store_migrate:migrate",
    )
}
"""Commands that only components of one type have."""


def component_group(kind: ComponentType) -> click.Group:
    """Return the commands for components of one type."""
    group = click.Group(kind.command, help=f"Register and list {kind.plural}.")
    group.add_command(_register(kind))
    group.add_command(_list(kind))
    group.add_command(_show(kind))
    group.add_command(_update(kind))
    group.add_command(_delete(kind))
    group.add_command(_flavors(kind))
    for reference in _FURTHER.get(kind.name, ()):
        group.add_command(load(reference))
    return group


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the three ways to give settings: `--key value`, `--setting key=value`, `--config FILE`."""
    for option in (
        click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY VALUE]..."),
        click.option(
            "--setting",
            "pairs",
            multiple=True,
            metavar="KEY=VALUE",
            help="The same as --KEY VALUE, for any key.",
        ),
        click.option(
            "--config", type=click.Path(dir_okay=False), metavar="FILE", help="YAML file with settings."
        ),
    ):
        command = option(command)
    return command


def _register(kind: ComponentType) -> click.Command:
    @click.command(
        "register",
        help=f"Register the {kind.title} NAME. Settings are those of its flavor: --KEY VALUE.",
        epilog=f"`dovetail {kind.command} flavors FLAVOR` lists the settings of a flavor.",
        context_settings=_FREE,
    )
    @click.argument("name")
    @click.option("--flavor", "-f", required=True, shell_complete=_flavor_names(kind), help="What it is.")
    @_settings_options
    def register(
        name: str, flavor: str, flags: tuple[str, ...], pairs: tuple[str, ...], config: str | None
    ) -> None:
        given = _given(flags, pairs, config)
        with output_aside():  # the flavor's settings are imported
            component: Registered = load(f"{_REGISTRATION}:register_component")(
                kind.name, name, flavor, given
            )
        print_lines([f"registered {kind.title} {name!r} of flavor {component.flavor}"])

    return register


def _update(kind: ComponentType) -> click.Command:
    @click.command(
        "update", help=f"Change settings of the {kind.title} NAME: --KEY VALUE.", context_settings=_FREE
    )
    @click.argument("name", shell_complete=component_names(kind.name))
    @click.option("--unset", multiple=True, metavar="KEY", help="Let a setting have its default again.")
    @_settings_options
    def update(
        name: str, unset: tuple[str, ...], flags: tuple[str, ...], pairs: tuple[str, ...], config: str | None
    ) -> None:
        without = tuple(each.replace("-", "_") for each in unset)
        given = _given(flags, pairs, config)
        with output_aside():
            load(f"{_REGISTRATION}:update_component")(kind.name, name, given, without)
        print_lines([f"updated {kind.title} {name!r}"])

    return update


def _list(kind: ComponentType) -> click.Command:
    @click.command("list", help=f"List the {kind.plural} of the active profile.")
    @json_option
    def list_components(*, as_json: bool) -> None:
        profile = open_profile().read()
        documents = [
            component_document(profile, each) for each in profile.components.get(kind.name, {}).values()
        ]
        if as_json:
            print_json(documents)
            return
        rows = [[each["name"], each["flavor"], ", ".join(each["stacks"])] for each in documents]
        print_table(["name", "flavor", "stacks"], rows, empty=f"no {kind.plural} in profile {profile.name!r}")

    return list_components


def _show(kind: ComponentType) -> click.Command:
    @click.command("show", help=f"Show the {kind.title} NAME with its settings.")
    @click.argument("name", shell_complete=component_names(kind.name))
    @json_option
    def show(name: str, *, as_json: bool) -> None:
        profile = open_profile().read()
        document = component_document(profile, profile.component(kind.name, name))
        (print_json if as_json else print_fields)(document)

    return show


def _delete(kind: ComponentType) -> click.Command:
    @click.command("delete", help=f"Remove the {kind.title} NAME from the profile; what it stored stays.")
    @click.argument("name", shell_complete=component_names(kind.name))
    def delete(name: str) -> None:
        open_profile().edit(lambda profile: profile.remove_component(kind.name, name))
        print_lines([f"deleted {kind.title} {name!r}"])

    return delete


def _flavors(kind: ComponentType) -> click.Command:
    @click.command("flavors", help=f"List the installed flavors of {kind.plural}, or the settings of one.")
    @click.argument("flavor", required=False, shell_complete=_flavor_names(kind))
    @json_option
    def flavors(flavor: str | None, *, as_json: bool) -> None:
        if flavor is not None:
            _show_flavor(kind, flavor, as_json=as_json)
            return
        found = load(INDEX)().flavors(kind.name)
        documents = [{"flavor": name, "summary": each.summary} for name, each in sorted(found.items())]
        if as_json:
            print_json(documents)
            return
        print_table(
            ["flavor", "summary"],
            [list(each.values()) for each in documents],
            empty=f"no {kind.title} is installed; `dovetail integration list` shows what can be had",
        )

    return flavors


def _show_flavor(kind: ComponentType, flavor: str, *, as_json: bool) -> None:
    with output_aside():
        qualified, announced, settings = load(f"{_REGISTRATION}:flavor_settings")(kind.name, flavor)
    document = {"flavor": qualified, "summary": announced.summary, "contract": announced.contract}
    if as_json:
        print_json({**document, "settings": settings})
        return
    print_fields(document)
    print_lines([""])
    rows = [
        [f"--{each['name'].replace('_', '-')}", each["type"], each["default"], each["description"]]
        for each in settings
    ]
    print_table(["setting", "type", "default", "meaning"], rows, empty="no settings")


def component_document(profile: Profile, component: Registered) -> dict[str, Any]:
    """Return a component as it is shown: name, flavor, settings, and the stacks it belongs to."""
    users = [name for name, parts in profile.stacks.items() if parts.get(component.type) == component.name]
    return {
        "name": component.name,
        "type": component.type,
        "flavor": component.flavor,
        "config": dict(component.config),
        "stacks": users,
    }


def _given(flags: Sequence[str], pairs: Sequence[str], config: str | None) -> Any:  # noqa: ANN401 - loaded late
    texts = read_flags(flags)
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(
                f"--setting {pair!r} is not of the form KEY=VALUE", hint="for example --setting path=data"
            )
        texts.setdefault(key.replace("-", "_"), []).append(value)
    plain = load(f"{_REGISTRATION}:settings_file")(Path(config)) if config else {}
    return load(f"{_REGISTRATION}:Given")(
        {key: value for key, value in plain.items() if key not in texts}, texts
    )


def read_flags(flags: Sequence[str]) -> dict[str, list[str]]:
    """Return settings from `--key value`, `--key=value` and, for true, a bare `--key`.

    Raises:
        UsageError: a word belongs to no key.
    """
    texts: dict[str, list[str]] = {}
    words = list(flags)
    while words:
        word = words.pop(0)
        key, sign, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not key:
            raise UsageError(f"{word!r} belongs to no setting", hint="settings are given as --KEY VALUE")
        if not sign:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        texts.setdefault(key.replace("-", "_"), []).append(value)
    return texts


def _flavor_names(kind: ComponentType) -> Completion:
    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
        known = load(INDEX)().flavors(kind.name)
        qualified = {name: each.summary for name, each in known.items()}
        bare = {name.partition("/")[2]: each.summary for name, each in known.items()}
        return items({**bare, **qualified}, incomplete)

    return complete

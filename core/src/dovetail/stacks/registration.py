"""Registering: what a person gives for a component is checked against its flavor and kept in a profile.

Only the configuration model of the flavor is imported by this, never its implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail.components.component import ComponentConfig
from dovetail.components.flavor import Flavor
from dovetail.discovery.index import load_index
from dovetail.discovery.manager import load_config
from dovetail.errors import ConfigurationError, ConflictError
from dovetail.stacks.configuration import checked, settings_of
from dovetail.stacks.profile import Profile, Registered, check_format, component_from_document
from dovetail.stacks.profile_store import ProfileStore, open_profile
from dovetail.yamlio import read_yaml_file

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Given:
    """Settings as a person gave them: `plain` values, and `texts` (each perhaps several times)."""

    plain: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def register_component(kind: str, name: str, flavor: str, given: Given) -> Registered:
    """Check and add a component to the active profile; return it.

    Raises:
        ConflictError: the name is taken.
        IntegrationError, NotFoundError: there is no such flavor here.
        ConfigurationError: a setting is wrong.
    """
    store = open_profile()
    component = check_component(kind, name, flavor, given)
    store.edit(lambda profile: profile.add_component(component))
    return component


def update_component(kind: str, name: str, given: Given, without: Sequence[str] = ()) -> Registered:
    """Change settings of a component; those `without` go back to their default."""
    store = open_profile()
    flavor_config(kind, store.read().component(kind, name).flavor)  # imported before the lock is taken

    def changes(profile: Profile) -> Registered:
        old = profile.component(kind, name)
        kept = {key: value for key, value in old.config.items() if key not in without}
        texts = dict(given.texts)
        plain = {key: value for key, value in {**kept, **given.plain}.items() if key not in texts}
        component = check_component(kind, name, old.flavor, Given(plain, texts))
        profile.replace_component(component)
        return component

    return store.edit(changes)


def check_component(kind: str, name: str, flavor: str, given: Given) -> Registered:
    """Return the component with its flavor qualified and its settings as they are kept."""
    qualified, model = flavor_config(kind, flavor)
    settings = checked(
        model,
        given.plain,
        given.texts,
        what=f"{kind.replace('_', ' ')} {name!r} of flavor {qualified!r}",
        help_command=f"dovetail {kind.replace('_', '-')} flavors {flavor}",
    )
    return Registered(kind, name, qualified, settings)


def flavor_config(kind: str, flavor: str) -> tuple[str, type[ComponentConfig]]:
    """Return the qualified name of a flavor and its configuration model."""
    qualified, _ = load_index().resolve(kind, flavor)
    return qualified, load_config(kind, qualified)


def flavor_settings(kind: str, flavor: str) -> tuple[str, Flavor, list[dict[str, Any]]]:
    """Return the qualified name of a flavor, its announcement and its settings, for people."""
    qualified, announced = load_index().resolve(kind, flavor)
    return qualified, announced, settings_of(load_config(kind, qualified))


def settings_file(path: Path) -> dict[str, Any]:
    """Return the settings in a YAML file, a mapping.

    Raises:
        NotFoundError: there is no file.
        ConfigurationError: it is no mapping of settings.
    """
    document = read_yaml_file(path)
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigurationError(
            "settings are a mapping from names to values", hint="one 'name: value' a line", where=str(path)
        )
    return document


def export_stack(name: str) -> dict[str, Any]:
    """Return a stack with its components as plain values, to be carried to another profile or machine."""
    profile = open_profile().read()
    parts = [profile.component(kind, part) for kind, part in profile.stack(name).items()]
    components = {
        each.type: {
            "name": each.name,
            "flavor": each.flavor,
            **({"config": dict(each.config)} if each.config else {}),
        }
        for each in parts
    }
    return {"format": FORMAT, "stack": name, "components": components}


def import_stack(path: Path, name: str | None = None) -> tuple[str, list[Registered]]:
    """Register the stack in a file, and those of its components that are not there.

    Returns:
        The stack's name and the components that were added.

    Raises:
        ConflictError: the stack is there, or a component of the same name is another one.
        ConfigurationError, IntegrationError: the file is wrong, or asks for what is not installed.
    """
    stack, components = _read_export(path)
    found = [check_component(each.type, each.name, each.flavor, Given(each.config)) for each in components]
    store: ProfileStore = open_profile()

    def changes(profile: Profile) -> list[Registered]:
        new = [each for each in found if not _is_there(profile, each)]
        for each in new:
            profile.add_component(each)
        profile.add_stack(name or stack, {each.type: each.name for each in found})
        return new

    return name or stack, store.edit(changes)


def _is_there(profile: Profile, component: Registered) -> bool:
    there = profile.components.get(component.type, {}).get(component.name)
    if there is not None and there != component:
        raise ConflictError(
            f"{component.title} is there already in profile {profile.name!r}, with other settings",
            hint="rename one of the two",
        )
    return there is not None


def _read_export(path: Path) -> tuple[str, list[Registered]]:
    document, where = read_yaml_file(path), str(path)
    found = document if isinstance(document, dict) else {}
    check_format(found, where)
    stack, components = found.get("stack"), found.get("components")
    if not isinstance(stack, str) or not isinstance(components, dict):
        raise ConfigurationError(
            "this is no exported stack: 'stack' and 'components' are expected",
            hint="`dovetail stack export NAME FILE` writes one",
            where=where,
        )
    return stack, [_exported(str(kind), each, where) for kind, each in components.items()]


def _exported(kind: str, document: object, where: str) -> Registered:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise ConfigurationError(f"{kind!r} has no name", hint="add 'name: ...'", where=where)
    rest = {key: value for key, value in document.items() if key != "name"}
    return component_from_document(kind, document["name"], rest, where)

"""From a name to a live stack: look it up in the profile, load the implementations, build and check them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from dovetail.components.component import Component
from dovetail.components.secrets_manager import SecretsManager
from dovetail.discovery import catalog
from dovetail.discovery.index import Index, load_index
from dovetail.discovery.manager import load_flavor
from dovetail.errors import DovetailError, IntegrationError
from dovetail.materializers.registry import Registry
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.secrets import SecretReference
from dovetail.stacks.configuration import configured
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import active_profile_name, active_stack_name, open_profile
from dovetail.stacks.secret_lookup import SecretLookup, scopes, secrets_manager_record
from dovetail.stacks.stack import LiveStack
from dovetail.stacks.workspace import component_home

DEFAULT_METADATA_STORE = Registered("metadata_store", "sqlite", "dovetail/sqlite")
"""What keeps the facts of a stack that names no metadata store."""


def active_stack_record(name: str | None = None) -> StackRecord:
    """Return the stack `name` of the active profile, the active one by default.

    Raises:
        NotFoundError: there is no such stack, or a component of it is gone.
    """
    store = open_profile()
    profile = store.read()
    return stack_record(profile, name or active_stack_name(profile.name))


def stack_record(profile: Profile, name: str) -> StackRecord:
    """Return a stack of a profile with its components, their flavors qualified."""
    parts = [profile.component(kind, part) for kind, part in profile.stack(name).items()]
    if all(each.type != DEFAULT_METADATA_STORE.type for each in parts):
        parts.append(DEFAULT_METADATA_STORE)
    return StackRecord(name=name, components={each.type: component_record(each) for each in parts})


def component_record(component: Registered) -> ComponentRecord:
    """Return a registered component as it goes into runs; a flavor that somebody wrote bare is looked up."""
    flavor = component.flavor
    if "/" not in flavor:
        flavor, _ = load_index().resolve(component.type, flavor)
    return ComponentRecord(
        type=component.type, name=component.name, flavor=flavor, config=dict(component.config)
    )


def as_set_now(record: StackRecord) -> tuple[StackRecord, list[str]]:
    """Return a stack of a run with the settings that the active profile has for its components by now.

    A component that the profile does not have, or has in another flavor, stays as it is. The notes name
    the settings that have changed.
    """
    profile = open_profile().read()
    present, notes = {}, []
    for kind, each in record.components.items():
        there = profile.components.get(kind, {}).get(each.name)
        found = component_record(there) if there else each
        if found.flavor == each.flavor and found.config != each.config:
            keys = {**each.config, **found.config}
            changed = [key for key in sorted(keys) if found.config.get(key) != each.config.get(key)]
            who = f"{kind.replace('_', ' ')} {each.name!r}"
            notes.append(f"{who} has other settings than when the run began: {', '.join(changed)}")
            each = found  # noqa: PLW2901
        present[kind] = each
    return record.model_copy(update={"components": present}), notes


def assemble(
    record: StackRecord,
    *,
    home: Path | None = None,
    only: Collection[str] | None = None,
    in_process: bool = False,
    index: Index | None = None,
) -> LiveStack:
    """Return the live stack of a record; nothing is opened or connected by that.

    Args:
        record: The components, by type.
        home: Where components keep files when nothing else is said; by default in the workspace.
        only: Types to build; all by default. Nothing of the others is imported.
        in_process: Whether the steps will be called in this process.
        index: What is installed, where the caller knows it already.

    Raises:
        IntegrationError: a wheel is missing or its code fails.
        ConfigurationError: a setting is wrong.
        PlanError: the components do not fit together.
    """
    home = home or component_home()
    wanted = [each for kind, each in record.components.items() if only is None or kind in only]
    index = index or load_index()
    value_of = _first_lookup(record, home, index)
    with ExitStack() as opened:
        components: dict[str, Component] = {}
        for each in wanted:
            own = each.type == "secrets_manager"
            components[each.type] = build_component(each, home, index, None if own else value_of)
            opened.callback(components[each.type].close)
        stack = LiveStack(record, components, home, index, ExitStack())
        stack.check_reach(in_process=in_process)
        stack.closing = opened.pop_all()
    return stack


def _first_lookup(record: StackRecord, home: Path, index: Index) -> Callable[[SecretReference], str]:
    """Return what looks up references of settings; nothing is read or imported before there is one."""
    made: list[SecretLookup] = []

    def value_of(reference: SecretReference) -> str:
        if not made:
            made.append(secret_lookup(record, home=home, index=index))
        return made[0](reference)

    return value_of


def secret_lookup(
    record: StackRecord, *, pipeline: str | None = None, home: Path | None = None, index: Index | None = None
) -> SecretLookup:
    """Return what gives out the secrets of a stack: to a pipeline of the active profile, or to settings."""
    return SecretLookup(
        lambda: secrets_manager(record, home=home, index=index), scopes(active_profile_name(), pipeline)
    )


def secrets_manager(
    record: StackRecord, *, home: Path | None = None, index: Index | None = None
) -> SecretsManager:
    """Return the secrets manager of a stack, the default one where it names none."""
    return cast(
        "SecretsManager", build_component(secrets_manager_record(record), home or component_home(), index)
    )


def build_component(
    record: ComponentRecord,
    home: Path,
    index: Index | None = None,
    value_of: Callable[[SecretReference], str] | None = None,
) -> Component:
    """Return one live component; `index` is what is installed, where the caller knows it already.

    `value_of` looks up what its settings refer to.

    Raises:
        IntegrationError: its wheel is missing, or its code fails.
        ConfigurationError: a setting is wrong.
        NotFoundError: a setting refers to a secret that is not there.
    """
    model, implementation = load_flavor(record.type, record.flavor, index=index)
    config = configured(model, record.config, record.type, record.name, value_of)
    try:
        return implementation(record.name, config, home=home)
    except DovetailError:
        raise
    except Exception as error:
        wheel, what = record.flavor.partition("/")[0], f"{record.type.replace('_', ' ')} {record.name!r}"
        raise IntegrationError(
            f"{what} cannot be made: {type(error).__name__}: {error}",
            hint=f"this is an error in the wheel {wheel!r}; update it, or report it there",
            where=wheel,
        ) from error


def material_registry(index: Index | None = None) -> Registry:
    """Return which materializer stores which type, as the installed wheels announce it."""
    return Registry((index or load_index()).materializers(), _wheel_storing)


def _wheel_storing(type_name: str) -> str | None:
    offers = catalog.storing(type_name)
    return offers[0].wheel if offers else None

"""From a flavor to its classes: the only place where the code of a component's wheel is imported."""

from __future__ import annotations

import traceback
from typing import Any

from dovetail.components.component import Component, ComponentConfig
from dovetail.components.flavor import Flavor
from dovetail.discovery.extensions import load as load_extension
from dovetail.discovery.index import Index, load_index
from dovetail.discovery.integration import Integration
from dovetail.errors import IntegrationError
from dovetail.references import load


def load_config(component_type: str, flavor: str, *, index: Index | None = None) -> type[ComponentConfig]:
    """Import the configuration model of a flavor, and nothing else of its wheel.

    Raises:
        IntegrationError: there is no such flavor, or its wheel is broken; `where` names it.
    """
    index = index or load_index()
    qualified, found = index.resolve(component_type, flavor)
    loaded: type[ComponentConfig] = _class(
        index, component_type, qualified, found, found.config, ComponentConfig
    )
    return loaded


def load_flavor(
    component_type: str, flavor: str, *, index: Index | None = None
) -> tuple[type[ComponentConfig], type[Component]]:
    """Import configuration model and implementation of a flavor, given as `wheel/flavor` or by a unique name.

    Raises:
        IntegrationError: there is no such flavor, or its wheel is broken; `where` names it.
    """
    index = index or load_index()
    qualified, found = index.resolve(component_type, flavor)
    config = _class(index, component_type, qualified, found, found.config, ComponentConfig)
    base = load_base(component_type, index=index)
    return config, _class(index, component_type, qualified, found, found.implementation, base)


def load_base(component_type: str, *, index: Index | None = None) -> type[Component]:
    """Import the abstract class of a component type, also of a third party's.

    Raises:
        IntegrationError: there is no such type, or its wheel is broken.
    """
    index = index or load_index()
    index.flavors(component_type)
    kind = index.component_types()[component_type]
    owner = next((each for each in index.integrations if kind in each.types), None)
    base: type[Component]
    if owner is None:
        base = load(kind.base)
        return base
    base = _checked(owner, f"the component type {kind.name!r}", component_type, kind.base, Component)
    return base


def _class(
    index: Index, component_type: str, qualified: str, flavor: Flavor, reference: str, base: type
) -> Any:  # noqa: ANN401 - a subclass of `base`
    wheel = qualified.partition("/")[0]
    owner = next(
        each for each in index.integrations if each.wheel == wheel and _has(each, component_type, flavor)
    )
    title = index.component_types()[component_type].title
    return _checked(
        owner, f"the {title} flavor {qualified!r}", component_type, reference, base, flavor.requires
    )


def _has(integration: Integration, component_type: str, flavor: Flavor) -> bool:
    return flavor in integration.flavors.get(component_type, ())


def _checked(
    owner: Integration, what: str, group: str, reference: str, base: type, requires: tuple[str, ...] = ()
) -> Any:  # noqa: ANN401 - a subclass of `base`
    loaded = load_extension(f"dovetail.{group}", owner.name, reference)
    where = f"{owner.wheel} {owner.version}"
    if loaded.error is not None:
        raise _failure(owner, what, loaded.error, requires) from loaded.error
    if not isinstance(loaded.plugin, type) or not issubclass(loaded.plugin, base):
        raise IntegrationError(
            f"{what} names {reference!r}, which is no {base.__name__}",
            hint=f"upgrade {owner.wheel}; tell its authors",
            where=where,
        )
    return loaded.plugin


def _failure(
    owner: Integration, what: str, error: BaseException, requires: tuple[str, ...]
) -> IntegrationError:
    where = f"{owner.wheel} {owner.version}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        needed = " ".join(requires) or error.name
        hint = f"pip install {needed}" if requires else f"reinstall {owner.wheel} with what it needs"
        return IntegrationError(
            f"{what} needs {error.name!r}, which is not installed", hint=hint, where=where
        )
    text = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return IntegrationError(
        f"{what} cannot be imported: {said}{_place(error)}",
        hint=f"upgrade {owner.wheel}, or remove it",
        where=where,
    )


def _place(error: BaseException) -> str:
    """Return where it was raised, as far as that is a file."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")
    ]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""

"""Component types as the command line knows them: those of the core at once, the others from the index."""

from __future__ import annotations

from contextlib import suppress

from dovetail.components.flavor import CORE_TYPES, ComponentType
from dovetail.errors import DovetailError
from dovetail.references import load

INDEX = "dovetail.discovery.index:load_index"
"""Loaded late: most commands need no index."""

CORE = {kind.command: kind for kind in CORE_TYPES}
"""The types of the core by the names of their commands."""


def component_types() -> dict[str, ComponentType]:
    """Return every component type by its command: those of the core, then those that wheels announce.

    A name that the core has is the core's. Without an index there are those of the core; the command
    that needs it says why it cannot be had.
    """
    types = dict(CORE)
    with suppress(DovetailError):
        for kind in load(INDEX)().component_types().values():
            types.setdefault(kind.command, kind)
    return types

"""The packaged catalog: which integrations there are, which wheel brings each, and what it is good for.

`catalog.json` beside this file is made from the repository by `python tests/catalog.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dovetail.discovery.integration import Integration, State
from dovetail.errors import IntegrationError, did_you_mean

FILE = os.path.join(os.path.dirname(__file__), "catalog.json")  # noqa: PTH118, PTH120 - pathlib costs milliseconds


@dataclass(frozen=True, slots=True)
class Offer:
    """An integration that can be installed.

    `flavors` maps a component type to the names of its flavors, `types` names component types of the
    wheel's own, `stores` the types of values that its materializers store.
    """

    name: str
    wheel: str
    summary: str
    flavors: Mapping[str, tuple[str, ...]]
    types: tuple[str, ...]
    stores: tuple[str, ...]

    def available(self) -> Integration:
        """Return it as an integration that is not installed."""
        cure = f"dovetail integration install {self.name}"
        return Integration(self.name, self.wheel, None, State.AVAILABLE, summary=self.summary, cure=cure)


@cache
def offers() -> dict[str, Offer]:
    """Return all integrations of the catalog by name."""
    with open(FILE, "rb") as file:  # noqa: PTH123 - the same
        found = json.loads(file.read())
    return {each["name"]: _offer(each) for each in found["integrations"]}


def find(name: str) -> Offer:
    """Return what the catalog has under the name of an integration or of its wheel.

    Raises:
        IntegrationError: the catalog does not know it; nothing else is ever installed by name.
    """
    for offer in offers().values():
        if name in {offer.name, offer.wheel}:
            return offer
    hint = did_you_mean(name, list(offers()))
    raise IntegrationError(
        f"the catalog has no integration {name!r}",
        hint=f"{hint}; a wheel that is not in the catalog is installed with pip" if hint else None,
    )


def with_flavor(component_type: str, flavor: str) -> list[Offer]:
    """Return what would bring a flavor, given bare or as `wheel/flavor`."""
    wheel, _, bare = flavor.rpartition("/")
    found = [offer for offer in offers().values() if bare in offer.flavors.get(component_type, ())]
    return [offer for offer in found if not wheel or wheel == offer.wheel]


def storing(type_name: str) -> list[Offer]:
    """Return what would bring a materializer for a public type name (`numpy.ndarray`)."""
    return [offer for offer in offers().values() if type_name in offer.stores]


def _offer(document: Mapping[str, Any]) -> Offer:
    return Offer(
        name=document["name"],
        wheel=document["wheel"],
        summary=document["summary"],
        flavors={kind: tuple(names) for kind, names in document["flavors"].items()},
        types=tuple(document["types"]),
        stores=tuple(document["stores"]),
    )

"""What is known of one integration: its wheel, its state, what it announces; plain data, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dovetail.components.flavor import ComponentType, Flavor, Materializes
from dovetail.components.secret_schema import SecretSchema

CORE_WHEEL = "dovetail"
BUILTIN = "builtin"


class State(StrEnum):
    """Whether an integration can be used."""

    OK = "ok"
    DISABLED = "disabled"
    INCOMPATIBLE = "incompatible"
    DEGRADED = "degraded"
    CONFLICT = "conflict"
    BROKEN = "broken"
    AVAILABLE = "available"

    @property
    def usable(self) -> bool:
        """Say whether at least something of it works."""
        return self in {State.OK, State.DEGRADED, State.CONFLICT}


@dataclass(frozen=True, slots=True)
class Refused:
    """An announced flavor, type or materializer that this program does not take, and why."""

    kind: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Integration:
    """An installed integration, or one that a catalog offers.

    `name` is that of its entry point, `wheel` the normalized name of its distribution, `version` None
    where it is not installed. `cause` and `cure` say what is the matter and what to do, also of one that
    works but deserves a remark. What is not usable is not in `flavors`, `types`, `materializers` and
    `schemas` but in `refused`.
    """

    name: str
    wheel: str
    version: str | None
    state: State
    module: str = ""
    summary: str = ""
    cause: str = ""
    cure: str = ""
    flavors: Mapping[str, tuple[Flavor, ...]] = field(default_factory=dict)
    types: tuple[ComponentType, ...] = ()
    materializers: tuple[Materializes, ...] = ()
    schemas: tuple[SecretSchema, ...] = ()
    refused: tuple[Refused, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values; `from_document` reads them."""
        return {
            "name": self.name,
            "wheel": self.wheel,
            "version": self.version,
            "state": str(self.state),
            "module": self.module,
            "summary": self.summary,
            "cause": self.cause,
            "cure": self.cure,
            "flavors": {kind: [fields(each) for each in found] for kind, found in self.flavors.items()},
            "types": [fields(each) for each in self.types],
            "materializers": [fields(each) for each in self.materializers],
            "schemas": [fields(each) for each in self.schemas],
            "refused": [fields(each) for each in self.refused],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Integration:
        """Read what `document` gave. Raises KeyError, TypeError or ValueError for anything else."""
        flavors = {kind: tuple(map(flavor, found)) for kind, found in document["flavors"].items()}
        return cls(
            **{name: document[name] for name in ("name", "wheel", "version", "module", "summary")},
            cause=document["cause"],
            cure=document["cure"],
            state=State(document["state"]),
            flavors=flavors,
            types=tuple(map(component_type, document["types"])),
            materializers=tuple(map(materializes, document["materializers"])),
            schemas=tuple(map(secret_schema, document["schemas"])),
            refused=tuple(Refused(**each) for each in document["refused"]),
        )


def fields(announced: Flavor | ComponentType | Materializes | SecretSchema | Refused) -> dict[str, Any]:
    """Return the fields of something announced as plain values."""
    return {name: getattr(announced, name) for name in announced.__slots__}


def flavor(document: Mapping[str, Any]) -> Flavor:
    """Return the flavor that `fields` took apart."""
    return Flavor(**{**document, "requires": tuple(document["requires"])})


def component_type(document: Mapping[str, Any]) -> ComponentType:
    """Return the component type that `fields` took apart."""
    return ComponentType(**{**document, "contracts": tuple(document["contracts"])})


def materializes(document: Mapping[str, Any]) -> Materializes:
    """Return the materializer's announcement that `fields` took apart."""
    return Materializes(**{**document, "types": tuple(document["types"])})


def secret_schema(document: Mapping[str, Any]) -> SecretSchema:
    """Return the schema that `fields` took apart."""
    keys = {name: tuple(document[name]) for name in ("required", "optional", "shown")}
    return SecretSchema(**{**document, **keys})

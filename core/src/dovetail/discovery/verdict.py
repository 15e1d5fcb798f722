"""What an integration is found to be: its state, what of it is taken or refused, the cause and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dovetail.components.flavor import CORE_TYPES, ComponentType, Flavor, Materializes
from dovetail.components.secret_schema import SecretSchema
from dovetail.discovery import integration as plain
from dovetail.discovery.inquiry import Answer
from dovetail.discovery.integration import CORE_WHEEL, Integration, Refused, State
from dovetail.discovery.inventory import Announcement

# The contracts of materializers that this program serves.
MATERIALIZER_CONTRACTS = (1,)
_CORE_NAMES = frozenset(each.name for each in CORE_TYPES)
_AGAIN = "to ask it again as it is: dovetail integration list --refresh"


def entry(point: Announcement, state: State, cause: str = "", cure: str = "") -> Integration:
    """Return what is known of an integration of which nothing can be used."""
    return Integration(
        name=point.name,
        wheel=point.wheel,
        version=point.version,
        state=state,
        module=point.module,
        summary=point.summary,
        cause=cause,
        cure=cure,
    )


def judge(
    point: Announcement,
    answer: Answer,
    types: Mapping[str, ComponentType],
    owners: Mapping[str, Sequence[str]],
    reserved: Mapping[str, set[str]],
) -> Integration:
    """Return the integration with what of its announcements can be used."""
    if not answer.good:
        return _broken(point, answer)
    taken = _Taken(point, types, owners, reserved)
    taken.all(answer.result)
    return _state(point, taken, answer)


def refuse_type(announced: ComponentType, owners: Mapping[str, Sequence[str]]) -> str:
    """Return why a third party's component type is not taken, nothing where it is."""
    if announced.name in _CORE_NAMES:
        return "the core has a component type of that name"
    if not announced.name.isidentifier() or announced.name != announced.name.lower():
        return "the name of a type is a lower-case Python name"
    if len(wheels := sorted(set(owners.get(announced.name, ())))) > 1:
        return f"it is announced by {' and '.join(wheels)}"
    return ""


def with_namesakes(found: Integration, point: Announcement, points: Iterable[Announcement]) -> Integration:
    """Return `found` marked as in conflict if a second wheel uses its name; it goes on to work."""
    rivals = [each for each in points if each is not point and each.name == point.name]
    if not rivals or point.wheel == CORE_WHEEL or found.state not in {State.OK, State.DEGRADED}:
        return found
    others = ", ".join(f"{each.wheel} {each.version}" for each in rivals)
    return replace(
        found,
        state=State.CONFLICT,
        cause=_join(f"{others} has the integration name {point.name!r} as well", found.cause),
        cure=_join("name it by its wheel, or remove one of them", found.cure),
    )


class _Taken:
    """What of the announcements of one integration is taken, and what is refused."""

    def __init__(
        self,
        point: Announcement,
        types: Mapping[str, ComponentType],
        owners: Mapping[str, Sequence[str]],
        reserved: Mapping[str, set[str]],
    ) -> None:
        self.flavors: dict[str, tuple[Flavor, ...]] = {}
        self.types: list[ComponentType] = []
        self.materializers: list[Materializes] = []
        self.schemas: dict[str, SecretSchema] = {}
        self.refused: list[Refused] = []
        self.foreign_contracts: list[int] = []
        self._point = point
        self._known = types
        self._owners = owners
        self._reserved = {} if point.wheel == CORE_WHEEL else reserved

    def all(self, result: Mapping[str, Any]) -> None:
        """Take what can be used."""
        for document in result["types"]:
            announced = plain.component_type(document)
            if why := refuse_type(announced, self._owners):
                self.refused.append(Refused("component type", announced.name, why))
            else:
                self.types.append(self._known[announced.name])
        for kind, documents in result["flavors"].items():
            self._take_flavors(self._known[kind], [plain.flavor(each) for each in documents])
        for document in result["materializers"]:
            self._take_materializer(plain.materializes(document))
        for document in result["schemas"]:
            self._take_schema(plain.secret_schema(document))

    def __bool__(self) -> bool:
        """Say whether anything is taken."""
        return bool(self.flavors or self.types or self.materializers or self.schemas)

    def _take_flavors(self, kind: ComponentType, announced: Iterable[Flavor]) -> None:
        taken: dict[str, Flavor] = {}
        for each in announced:
            if each.name in self._reserved.get(kind.name, ()):
                self.refused.append(
                    Refused(kind.title, each.name, "the name is reserved for the core's own flavor")
                )
            elif each.name in taken:
                self.refused.append(Refused(kind.title, each.name, "it is announced twice"))
            elif self._serves(kind.title, each.name, each.contract, kind.contracts):
                taken[each.name] = each
        if taken:
            self.flavors[kind.name] = tuple(taken.values())

    def _take_materializer(self, announced: Materializes) -> None:
        if announced.name in {each.name for each in self.materializers}:
            self.refused.append(Refused("materializer", announced.name, "it is announced twice"))
        elif self._serves("materializer", announced.name, announced.contract, MATERIALIZER_CONTRACTS):
            self.materializers.append(announced)

    def _take_schema(self, announced: SecretSchema) -> None:
        if announced.name in self.schemas:
            self.refused.append(Refused("secret schema", announced.name, "it is announced twice"))
        else:
            self.schemas[announced.name] = announced

    def _serves(self, kind: str, name: str, contract: int, served: tuple[int, ...]) -> bool:
        if contract in served:
            return True
        self.foreign_contracts.append(contract - max(served))
        numbers = " and ".join(map(str, served))
        why = f"it is written for contract {contract}, this program serves {numbers}"
        self.refused.append(Refused(kind, name, why))
        return False


def _state(point: Announcement, taken: _Taken, answer: Answer) -> Integration:
    unknown = answer.result["unknown"]
    causes = [f"the {each.kind} {each.name!r} is not taken: {each.why}" for each in taken.refused]
    cures: list[str] = []
    state = State.OK
    if unknown:
        causes.append(f"this program has no hook {', '.join(unknown)}")
    if taken.refused or unknown:
        state = State.INCOMPATIBLE if taken.foreign_contracts and not taken else State.DEGRADED
        newer = unknown or any(each > 0 for each in taken.foreign_contracts)
        older = any(each < 0 for each in taken.foreign_contracts)
        cures = [
            text
            for wanted, text in ((newer, "upgrade dovetail"), (older, f"upgrade {point.wheel}"))
            if wanted
        ]
        cures = cures or [f"tell the authors of {point.wheel}; the rest of it works"]
    elif answer.printed:
        causes.append(f"it prints while it announces: {answer.printed!r}")
        cures.append(f"nothing is lost; tell the authors of {point.wheel}")
    return replace(
        entry(point, state, "; ".join(causes), "; ".join(cures)),
        flavors=taken.flavors,
        types=tuple(taken.types),
        materializers=tuple(taken.materializers),
        schemas=tuple(taken.schemas.values()),
        refused=tuple(taken.refused),
    )


def _broken(point: Announcement, answer: Answer) -> Integration:
    remove = f"or remove it: dovetail integration uninstall {point.name}"
    reinstall = f"reinstall {point.wheel} with what it needs, {remove}"
    if answer.death:
        cause = f"while it was imported and asked, it {answer.death}"
        return entry(point, State.BROKEN, cause, f"upgrade {point.wheel}, {remove}; {_AGAIN}")
    failure = answer.failure
    missing = failure["missing"]
    if missing and f"{point.module}.".startswith(f"{missing}."):
        return entry(point, State.BROKEN, f"its module {point.module!r} is not there", reinstall)
    if missing:
        return entry(point, State.BROKEN, f"it needs {missing!r}, which is not installed", reinstall)
    place = f" at {failure['where']}" if failure["where"] else ""
    cause = f"it raised {failure['type']}: {failure['message']}{place}"
    return entry(point, State.BROKEN, cause, f"upgrade {point.wheel}, {remove}")


def _join(first: str, second: str) -> str:
    return f"{first}; {second}" if second else first

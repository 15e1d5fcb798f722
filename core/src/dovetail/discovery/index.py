"""The index: what every installed integration announces, read from a kept file as long as that is true.

Reading it imports no plugin, and none of the libraries that find, load and ask plugins. It is made anew by
`dovetail.discovery.survey` after something was installed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail.components.flavor import CORE_TYPES, ComponentType, Flavor, Materializes
from dovetail.components.secret_schema import SecretSchema
from dovetail.discovery import catalog, fingerprint, keeping
from dovetail.discovery.integration import BUILTIN, CORE_WHEEL, Integration
from dovetail.errors import IntegrationError, NotFoundError, did_you_mean
from dovetail.references import load


class Index:
    """What is installed and can be used."""

    def __init__(self, integrations: list[Integration]) -> None:
        self.integrations = integrations
        self._flavors: dict[str, dict[str, Flavor]] = {}
        for each in integrations:
            for kind, flavors in each.flavors.items():
                of_kind = self._flavors.setdefault(kind, {})
                of_kind.update((f"{each.wheel}/{flavor.name}", flavor) for flavor in flavors)

    def available(self) -> list[Integration]:
        """Return what the catalog offers and is not installed, by name."""
        wheels = {each.wheel for each in self.integrations}
        return [
            offer.available() for _, offer in sorted(catalog.offers().items()) if offer.wheel not in wheels
        ]

    def integration(self, name: str) -> Integration:
        """Return an integration by its name or its wheel, also one that is only available.

        Raises:
            IntegrationError: there is none, or two wheels use the name.
        """
        everything = [*self.integrations, *self.available()]
        found = [each for each in everything if each.wheel == name] or [
            each for each in everything if each.name == name
        ]
        if not found:
            raise IntegrationError(
                f"there is no integration {name!r}",
                hint=did_you_mean(name, [each.name for each in everything]),
            )
        if len(found) > 1:
            wheels = " or ".join(sorted(each.wheel for each in found))
            raise IntegrationError(
                f"the integration name {name!r} is ambiguous", hint=f"name the wheel: {wheels}"
            )
        return found[0]

    def component_types(self) -> dict[str, ComponentType]:
        """Return all component types by name: those of the core, then those of third parties."""
        types = {each.name: each for each in CORE_TYPES}
        for integration in self.integrations:
            types.update((each.name, each) for each in integration.types)
        return types

    def flavors(self, component_type: str) -> dict[str, Flavor]:
        """Return the flavors of a type by qualified name, `wheel/flavor`; the core's first.

        Raises:
            IntegrationError: there is no such type.
        """
        self._check_type(component_type)
        found = self._flavors.get(component_type, {})
        return dict(
            sorted(found.items(), key=lambda pair: (not pair[0].startswith(f"{CORE_WHEEL}/"), pair[0]))
        )

    def resolve(self, component_type: str, text: str) -> tuple[str, Flavor]:
        """Return qualified name and flavor for what a user wrote: `wheel/flavor`, or a unique bare name.

        Raises:
            IntegrationError: there is none, it cannot be used, or the bare name is ambiguous; the hint
                says what to install, upgrade or write.
        """
        flavors = self.flavors(component_type)
        if text in flavors:
            return text, flavors[text]
        found = [name for name in flavors if name.partition("/")[2] == text]
        if len(found) == 1:
            return found[0], flavors[found[0]]
        title = self.component_types()[component_type].title
        if found:
            raise IntegrationError(
                f"the {title} flavor {text!r} is ambiguous", hint=f"write {' or '.join(map(repr, found))}"
            )
        raise self._missing(component_type, title, text, list(flavors))

    def materializers(self) -> list[tuple[str, Materializes]]:
        """Return the announced materializers by qualified name: `wheel/name`, the core's `builtin/name`."""
        found = [
            (_qualifier(each), announced) for each in self.integrations for announced in each.materializers
        ]
        return [(f"{qualifier}/{announced.name}", announced) for qualifier, announced in found]

    def secret_schema(self, text: str) -> tuple[str, SecretSchema]:
        """Return the name under which a schema is kept, and the schema, for what a user wrote.

        The core's own are kept by their bare names, those of wheels as `wheel/name`.

        Raises:
            NotFoundError: there is none of that name, or several wheels have one.
        """
        known = {
            announced.name if each.wheel == CORE_WHEEL else f"{each.wheel}/{announced.name}": announced
            for each in self.integrations
            for announced in each.schemas
        }
        found = [text] if text in known else [each for each in known if each.partition("/")[2] == text]
        if len(found) != 1:
            hint = f"write {' or '.join(found)}" if found else did_you_mean(text, list(known))
            raise NotFoundError(
                f"{'several wheels have a' if found else 'there is no'} secret schema {text!r}",
                hint=hint or f"there are {', '.join(sorted(known))}",
            )
        return found[0], known[found[0]]

    def _check_type(self, component_type: str) -> None:
        types = self.component_types()
        if component_type not in types:
            raise IntegrationError(
                f"there is no component type {component_type!r}",
                hint=did_you_mean(component_type, list(types)),
            )

    def _missing(self, component_type: str, title: str, text: str, known: list[str]) -> IntegrationError:
        """Return why there is no such flavor: refused, its wheel unusable, not installed, or unknown."""
        asked = f"there is no {title} flavor {text!r}"
        offers = catalog.with_flavor(component_type, text)
        wheels = {offer.wheel for offer in offers} | {text.rpartition("/")[0]}
        for each in self.integrations:
            bare = text.rpartition("/")[2]
            refused = [one.why for one in each.refused if one.kind == title and one.name == bare]
            if refused and (each.wheel in wheels or "/" not in text):
                return IntegrationError(f"{asked} to be used: {refused[0]}", hint=each.cure, where=each.wheel)
            if each.wheel in wheels and not each.state.usable:
                return IntegrationError(f"{asked}: {each.cause}", hint=each.cure, where=each.wheel)
        installed = {each.wheel for each in self.integrations}
        if missing := [offer.name for offer in offers if offer.wheel not in installed]:
            return IntegrationError(asked, hint=f"dovetail integration install {' or '.join(missing)}")
        wheel = text.rpartition("/")[0]
        if wheel and wheel not in installed:
            return IntegrationError(
                asked, hint=f"its wheel {wheel!r} is not installed here: install it again"
            )
        bare_names = [name.partition("/")[2] for name in known]
        return IntegrationError(asked, hint=did_you_mean(text, known if "/" in text else bare_names))


# What this process has read or surveyed last, and what was installed then.
_last: list[Any] = [None, None]


def load_index(*, refresh: bool = False) -> Index:
    """Return the index of what is installed now, from the kept file if that is still true.

    With `refresh` everything is asked again, also what ended its process before.

    Raises:
        IntegrationError: the process that asks integrations does not start.
    """
    name, lines = fingerprint.take()
    lines.append(f"disabled {' '.join(keeping.disabled())}")
    if not refresh:
        if _last[0] == lines and _unchanged(_last[1][1]):
            index: Index = _last[1][0]
            return index
        if found := _valid(keeping.read(name), lines):
            return _remember(lines, *found)
    with keeping.alone(name):
        kept = keeping.read(name)
        # Somebody else may have made it while this process waited.
        if not refresh and (found := _valid(kept, lines)):
            return _remember(lines, *found)
        return _remember(lines, *_survey(name, lines, {} if refresh else (kept or {}).get("deaths", {})))


def _survey(name: str, lines: list[str], deaths: Mapping[str, Any]) -> tuple[Index, dict[str, str]]:
    findings = load("dovetail.discovery.survey:survey")(lines, keeping.disabled(), deaths)
    document = {
        "fingerprint": lines,
        "watched": findings.watched,
        "deaths": findings.deaths,
        "integrations": [each.document() for each in findings.integrations],
    }
    keeping.write(name, document)
    return Index(findings.integrations), findings.watched


def _valid(kept: dict[str, Any] | None, lines: list[str]) -> tuple[Index, dict[str, str]] | None:
    """Return the kept index and the files to watch, None if it is not true any more or cannot be read."""
    try:
        if kept is None or kept["fingerprint"] != lines or not _unchanged(kept["watched"]):
            return None
        return Index([Integration.from_document(each) for each in kept["integrations"]]), kept["watched"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _unchanged(watched: Mapping[str, str]) -> bool:
    return all(fingerprint.stamp(file) == seen for file, seen in watched.items())


def _remember(lines: list[str], index: Index, watched: dict[str, str]) -> Index:
    _last[:] = lines, (index, watched)
    return index


def _qualifier(integration: Integration) -> str:
    return BUILTIN if integration.wheel == CORE_WHEEL else integration.wheel

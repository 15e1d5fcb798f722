"""The distributions of an image: what is asked for, and all that needs, as they are installed here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dovetail.discovery.inventory import normalized
from dovetail.errors import IntegrationError, NotFoundError, UsageError

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)""")


@dataclass(frozen=True, slots=True)
class Locked:
    """A distribution in exactly the version that is installed here.

    `origin` is what an installer is told: `name==version`, or the place it was installed from.
    """

    name: str
    version: str
    origin: str

    @property
    def line(self) -> str:
        """Return its line of a requirements file, which names no place."""
        return f"{self.name}=={self.version}"


def locked(wanted: Iterable[str], find_links: Path | None = None) -> list[Locked]:
    """Return the distributions of these names with all they need, by name.

    A name may have extras, `dovetail[secrets]`. What a marker keeps out of this environment is not needed.
    Where the folder `find_links` has the wheel of one, that is its origin.

    Raises:
        UsageError: one of the texts is no name.
        NotFoundError: one is not installed here.
        IntegrationError: one is not complete here, or cannot be installed from where it came.
    """
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    pending = [(name, extras, "") for name, extras in map(_named, wanted)]
    while pending:
        name, extras, needed_by = pending.pop()
        key = normalized(name)
        if key not in found:
            found[key] = _installed(name, needed_by)
        for extra in {"", *map(normalized, extras)} - {extra for each, extra in done if each == key}:
            done.add((key, extra))
            pending += [(*each, found[key].name) for each in _needs(found[key], extra)]
    return [_locked(found[key], find_links) for key in sorted(found)]


def _named(text: str) -> tuple[str, list[str]]:
    match = _REQUIREMENT.fullmatch(text)
    if match is None or match[3]:
        raise UsageError(
            f"{text!r} is no name of a distribution",
            hint="give a name without a version: the image has the version that is installed here",
        )
    return match[1], _extras(match[2])


def _extras(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def _installed(name: str, needed_by: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        if needed_by:
            raise IntegrationError(
                f"{needed_by!r} requires {name!r}, which is not installed here",
                hint=f"pip install {name}",
                where=needed_by,
            ) from None
        raise NotFoundError(
            f"{name!r} is not installed here, and an image has what this environment has",
            hint=f"pip install {name}",
        ) from None


def _needs(found: Distribution, extra: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what a distribution requires, or one of its extras: names with extras."""
    for text in found.requires or ():
        wanted, _, marker = text.partition(";")
        match = _REQUIREMENT.fullmatch(wanted)
        of = {normalized(each) for each in _EXTRA.findall(marker)}
        if match is None or (extra not in of if extra else of):
            continue
        if not marker or _is_installed(match[1]):  # a marker that holds here has put it here
            yield match[1], _extras(match[2])


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _locked(found: Distribution, find_links: Path | None) -> Locked:
    name = normalized(found.name)
    if find_links is not None:
        stem = f"{name.replace('-', '_')}-{found.version}-"
        built = [each for each in sorted(find_links.glob("*.whl")) if each.name.lower().startswith(stem)]
        if built:
            return Locked(name, found.version, str(built[0].resolve()))
    return Locked(name, found.version, _origin(name, found.version, _told(found)))


def _told(found: Distribution) -> dict[str, Any]:
    """Return where an installer says that it has it from: nothing where that was an index."""
    text = found.read_text("direct_url.json") or "{}"
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise IntegrationError(
            f"what says where {found.name!r} came from is damaged: {error}",
            hint=f"install it again: pip install --force-reinstall {found.name}",
            where=found.name,
        ) from error
    return document


def _origin(name: str, version: str, document: dict[str, Any]) -> str:
    """Return where a distribution came from; `document` says it as PEP 610 lays down."""
    address = str(document.get("url", ""))
    if not address:
        return f"{name}=={version}"
    if address.startswith("file:"):
        path = Path(unquote(urlsplit(address).path))
        if path.exists():
            return str(path)
        raise IntegrationError(
            f"{name!r} was installed from {str(path)!r}, which is not there any more",
            hint="install it again, or name a folder that has its wheel: --find-links DIR",
            where=name,
        )
    control = document.get("vcs_info", {})
    if control:
        address = f"{control['vcs']}+{address}@{control['commit_id']}"
    if "subdirectory" in document:
        address += f"#subdirectory={document['subdirectory']}"
    return f"{name} @ {address}"

"""An installed wheel as its packaging shows it: metadata, what it announces, what importing it costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from importlib_metadata import PackageNotFoundError, distribution

from dovetail.components.component import ComponentConfig
from dovetail.components.flavor import CORE_TYPES, ComponentType, Flavor, Materializes
from dovetail.discovery import integration as plain
from dovetail.discovery.collector import announce, flavors
from dovetail.discovery.inventory import GROUP
from dovetail.errors import NotFoundError
from dovetail.references import load

_COST = """
import json, sys
import dovetail.plugin as door
for name in {names!r}:
    getattr(door, name)
import pydantic
before = {{name.partition(".")[0] for name in sys.modules}}
import {module}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}} - before)))
"""
_DOOR = ("Flavor", "Materializes", "ComponentType", "hookimpl")
_DOOR_OF_SETTINGS = (*_DOOR, "ComponentConfig", "ProcessOperatorConfig")


@dataclass(frozen=True)
class AnnouncedWheel:
    """A wheel under its distribution's name; `settings` gives flavors values for what they require."""

    name: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def distribution(self) -> Any:  # noqa: ANN401 - the finder's protocol says too little
        """The installed distribution.

        Raises:
            NotFoundError: there is none of that name.
        """
        try:
            return distribution(self.name)
        except PackageNotFoundError:
            raise NotFoundError(f"no wheel {self.name!r} is installed here", hint="pip install it") from None

    @cached_property
    def entry_points(self) -> dict[str, str]:
        """What it announces by: the names of its integrations, and what they name."""
        return {each.name: each.value for each in self.distribution.entry_points.select(group=GROUP)}

    @property
    def modules(self) -> list[str]:
        """The announcing modules."""
        return sorted({value.partition(":")[0].strip() for value in self.entry_points.values()})

    @cached_property
    def answers(self) -> dict[str, dict[str, Any]]:
        """What each integration answers when it is asked, as the index would have it."""
        return {name: announce(name, value) for name, value in self.entry_points.items()}

    @cached_property
    def types(self) -> dict[str, ComponentType]:
        """The component types of the core, and its own."""
        own = (plain.component_type(each) for answer in self.answers.values() for each in answer["types"])
        return {each.name: each for each in (*CORE_TYPES, *own)}

    @cached_property
    def flavors(self) -> list[tuple[ComponentType, Flavor]]:
        """The announced flavors, each with its type."""
        found: list[tuple[ComponentType, Flavor]] = []
        for name, answer in self.answers.items():
            for kind, documents in self._documents(name, answer).items():
                found += [(self.types[kind], plain.flavor(each)) for each in documents]
        return found

    def _documents(self, name: str, answer: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        documents = dict(answer["flavors"])
        if answer["generic"]:
            for kind in set(self.types) - {each.name for each in CORE_TYPES}:
                documents[kind] = flavors(name, self.entry_points[name], kind)
        return documents

    @cached_property
    def materializers(self) -> list[Materializes]:
        """The announced materializers."""
        found = (each for answer in self.answers.values() for each in answer["materializers"])
        return [plain.materializes(each) for each in found]

    @property
    def configs(self) -> Iterator[tuple[Flavor, type[ComponentConfig]]]:
        """The configuration model of each flavor."""
        for _, flavor in self.flavors:
            yield flavor, load(flavor.config)

    @property
    def requirements(self) -> list[tuple[str, str]]:
        """Name and conditions of what it needs to run; extras are left out."""
        texts = [each for each in self.distribution.requires or [] if not re.search(r";.*\bextra\b", each)]
        split = (re.match(r"\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*(.*)", text.partition(";")[0]) for text in texts)
        return [(found[1], found[2].strip(" ()")) for found in split if found]

    @property
    def readme(self) -> str:
        """The README, as the wheel carries it."""
        metadata = self.distribution.metadata
        return str(metadata.get_payload() or "") or str(metadata.get("Description") or "")

    def folder(self, module: str) -> Path | None:
        """Return the folder of a package, None for a module that is one file."""
        file = getattr(load(module.partition(".")[0]), "__file__", None) or ""
        return Path(file).parent if file.endswith("__init__.py") else None

    def cost(self, module: str, *, of_settings: bool = False) -> list[str]:
        """Return the foreign packages that importing a module brings into a fresh process."""
        names = _DOOR_OF_SETTINGS if of_settings else _DOOR
        program = _COST.format(names=names, module=module)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        if done.returncode:
            return [f"nothing, for it fails: {done.stderr.strip().splitlines()[-1]}"]
        loaded = set(json.loads(done.stdout.splitlines()[-1]))
        own = {name.partition(".")[0] for name in self.modules}
        return sorted(loaded - own - {"dovetail"} - set(sys.stdlib_module_names))

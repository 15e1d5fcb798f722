"""Make the catalog of the core from the wheels of this repository: `python tests/catalog.py`."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dovetail.discovery import catalog
from dovetail.discovery.collector import announce
from dovetail.discovery.inventory import GROUP

ROOT = Path(__file__).resolve().parents[1]


def offers() -> Iterator[dict[str, Any]]:
    """Yield what the catalog says of each integration, by name; examples are not offered."""
    found = sorted(ROOT.glob("*/dovetail-*/pyproject.toml"))
    projects = [each for each in found if not each.parent.name.startswith("dovetail-example-")]
    settings = [tomllib.loads(each.read_text(encoding="utf-8"))["project"] for each in projects]
    sys.path[:0] = [str(each.parent / "src") for each in projects]
    for project in settings:
        for name, module in sorted(project["entry-points"][GROUP].items()):
            announced = announce(name, module)
            yield {
                "name": name,
                "wheel": project["name"],
                "summary": project["description"],
                "flavors": {
                    kind: [each["name"] for each in flavors] for kind, flavors in announced["flavors"].items()
                },
                "types": [each["name"] for each in announced["types"]],
                "stores": [type_name for each in announced["materializers"] for type_name in each["types"]],
            }


def text() -> str:
    """Return the catalog as it is to be kept."""
    found = sorted(offers(), key=lambda each: str(each["name"]))
    return json.dumps({"format": 1, "integrations": found}, indent=1) + "\n"


if __name__ == "__main__":
    Path(catalog.FILE).write_text(text(), encoding="utf-8")

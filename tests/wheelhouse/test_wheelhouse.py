"""Every wheel of Dovetail in this environment was built from this repository.

Run by `nox -s "plugin(<name>)"` only, which builds the wheels and says where: the name on the public
index may be somebody else's.
"""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dovetail

WHEELHOUSE = Path(os.environ["DOVETAIL_WHEELHOUSE"]).resolve()
SOURCES = Path(__file__).resolve().parents[2]


def origins() -> dict[str, Path | None]:
    """Return the file each `dovetail*` distribution came from; None where it came from an index."""
    found: dict[str, Path | None] = {}
    for each in distributions():
        if re.match(r"dovetail([-_.]|$)", each.name, flags=re.IGNORECASE):
            url = json.loads(each.read_text("direct_url.json") or "{}").get("url", "")
            found[each.name] = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
    return found


def test_the_core_and_the_wheel_are_there() -> None:
    assert "dovetail" in origins()


def test_every_wheel_of_ours_comes_from_the_wheelhouse() -> None:
    built = set(WHEELHOUSE.glob("*.whl"))
    assert {name for name, file in origins().items() if file is None or file.resolve() not in built} == set()


def test_the_package_is_the_installed_one_and_not_the_source_tree() -> None:
    (folder,) = dovetail.__path__
    assert SOURCES / "core" not in Path(folder).resolve().parents

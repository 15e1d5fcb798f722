"""The catalog that the core is shipped with says what the wheels of this repository announce."""

from __future__ import annotations

import runpy
from pathlib import Path

from dovetail.discovery import catalog

SCRIPT = Path(__file__).with_name("catalog.py")


def test_the_catalog_is_what_the_wheels_announce() -> None:
    made = runpy.run_path(str(SCRIPT))["text"]()
    assert made == Path(catalog.FILE).read_text(encoding="utf-8"), f"run: python {SCRIPT}"


def test_every_wheel_of_the_repository_is_offered_but_the_examples() -> None:
    wheels = {each.parent.name for each in SCRIPT.parents[1].glob("*/dovetail-*/pyproject.toml")}
    examples = {each for each in wheels if each.startswith("dovetail-example-")}
    assert {offer.wheel for offer in catalog.offers().values()} == wheels - examples

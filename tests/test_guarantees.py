"""The page of guarantees and the tests that carry their numbers name each other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"
NAMED = re.compile(r"`(test_g\d\d_\w+)`")
FOLDERS = ("core/tests", "tests", "plugins")


def numbered_tests() -> set[str]:
    return {
        node.name
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and re.match(r"test_g\d\d_", node.name)
    }


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(NAMED.findall(PAGE.read_text(encoding="utf-8")))
    assert named
    assert not named - numbered_tests()


def test_every_test_of_a_guarantee_stands_on_the_page() -> None:
    assert not numbered_tests() - set(NAMED.findall(PAGE.read_text(encoding="utf-8")))


def test_every_guarantee_has_a_passage_and_those_to_come_say_so() -> None:
    passages = re.split(r"^## (?=G\d+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [each.split()[0] for each in passages] == [f"G{number}" for number in range(1, 15)]
    for each in passages:
        number = int(each.split()[0][1:])
        assert f"`test_g{number:02d}_" in each or "Still to come" in each

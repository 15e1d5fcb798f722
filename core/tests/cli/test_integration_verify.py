from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.site import Site


def test_the_packaging_of_the_core_itself_holds(dovetail: Callable[..., Any]) -> None:
    found = dovetail("integration verify builtin --json")
    assert [each for each in found.json if each["result"] == "failed"] == []
    assert [each["number"] for each in found.json] == list(range(1, 15))
    assert {each["sentence"] for each in found.json if each["number"] == 1} == {"Entry points resolve"}
    assert found.code == 0


def test_what_does_not_hold_is_named_and_leaves_with_one(dovetail: Callable[..., Any], site: Site) -> None:
    site.wheel("dovetail-bare")
    found = dovetail("integration verify bare")
    assert found.code == 1
    assert "it does not depend on dovetail" in found.out
    assert "pip install dovetail-bare" in found.out or "carries no README" in found.out
    assert "failed" in found.err


def test_a_registered_store_is_tested_beside_what_it_holds(
    dovetail: Callable[..., Any], tmp_path: Path
) -> None:
    kept = tmp_path / "artifacts" / "kept"
    kept.parent.mkdir()
    kept.write_text("here before")
    dovetail(f"artifact-store register mine --flavor local --path {kept.parent}")
    found = dovetail("integration verify builtin --component mine --json")
    results = {each["number"]: each["result"] for each in found.json if each["contract"] == "artifact_store"}
    assert results.pop(7) == "not tested"
    assert set(results.values()) == {"passed"}
    assert [each.name for each in kept.parent.iterdir()] == ["kept"]


def test_a_secrets_manager_is_tested_beside_what_it_keeps(dovetail: Callable[..., Any]) -> None:
    dovetail("secrets-manager register vault --flavor local")
    found = dovetail("integration verify builtin --component vault --json")
    results = {each["number"]: each["result"] for each in found.json if each["contract"] == "secrets_manager"}
    assert set(results) == {1, 2, 3, 4, 5, 6, 7}
    assert set(results.values()) == {"passed"}


@pytest.mark.parametrize(("line", "said"), [
    ("integration verify builtin --component nobody", "no component 'nobody'"),
    ("integration verify nothing-of-that-name", "nothing-of-that-name"),
])  # fmt: skip
def test_what_is_not_there_cannot_be_verified(dovetail: Callable[..., Any], line: str, said: str) -> None:
    found = dovetail(line)
    assert found.code not in {0, 70}
    assert said in found.err

"""Every behaviour of every contract has a fault planted for it, which the contract finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.references import load
from dovetail.testing import verdict
from dovetail.testing.faults import Faults
from dovetail.testing.trial import Trial

HERE = Path(__file__).parent
REPORT = r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+"
TYPES = sorted(each.stem for each in HERE.glob("planted/[a-z]*") if each.stem.isidentifier())
ELSEWHERE = {"metadata_store": set(range(35, 40))}
"""Behaviours that need a server: their faults are planted in plugins/dovetail-postgresql/tests."""


def planted(kind: str) -> Faults:
    faults = load(f"planted.{kind}:FAULTS")
    assert isinstance(faults, Faults)
    return faults


def behaviours(contract: type[Any]) -> set[int]:
    found = (re.match(r"test_(\d+)_", name) for name in dir(contract))
    return {int(match[1]) for match in found if match}


def test_every_page_has_faults() -> None:
    pages = {page.stem.replace("-", "_") for page in (HERE.parents[1] / "docs" / "contracts").glob("*.md")}
    assert pages == set(TYPES)


@pytest.mark.parametrize("kind", TYPES)
def test_every_behaviour_has_a_fault(kind: str, record_property: Callable[[str, object], None]) -> None:
    said = set(verdict.sentences(kind))
    record_property(f"{kind} behaviours", len(said))
    assert set(planted(kind).numbers) == behaviours(planted(kind).contract)
    assert set(planted(kind).numbers) == said - ELSEWHERE.get(kind, set())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", TYPES)
def test_every_fault_fails_its_own_number_and_no_other(
    kind: str, tmp_path: Path, whole: bool, record_property: Callable[[str, object], None]
) -> None:
    faults = planted(kind)
    chosen = faults.all if whole else faults.sample
    findings = faults.judge(chosen, tmp_path, path=(str(HERE),), only_own=not whole)
    record_property(f"{kind} planted", len(chosen))
    record_property(f"{kind} caught", sum(finding.caught for finding in findings))
    record_property(f"{kind} modelled", sum(fault.modelled_on is not None for fault in chosen))
    assert len(findings) == len(chosen)
    assert [str(finding) for finding in findings if not finding.caught or finding.undeclared] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", TYPES)
def test_without_a_fault_the_contract_holds(
    kind: str, tmp_path: Path, whole: bool, record_property: Callable[[str, object], None]
) -> None:
    if not whole:
        pytest.skip(
            "the tests of each implementation are the contract; DOVETAIL_TEST_SIZES=full runs it here"
        )
    kits = {name: f"planted.{kind}:CORRECT.{name}" for name in vars(load(f"planted.{kind}:CORRECT"))}
    outcomes = Trial(kits, tmp_path, path=(str(HERE),)).run()
    assert {each.kit for each in outcomes} == set(kits)
    failed = {each.kit for each in outcomes if each.result == "failed"}
    record_property(f"{kind} implementations", ", ".join(sorted(set(kits) - failed)))
    assert [each for each in outcomes if each.result == "failed"] == []


def test_a_third_of_the_faults_is_modelled_on_reports_of_other_tools() -> None:
    faults = [fault for kind in TYPES for fault in planted(kind).all]
    modelled = [fault.modelled_on for fault in faults if fault.modelled_on]
    assert len(modelled) * 3 >= len(faults)
    assert [each for each in modelled if not re.fullmatch(REPORT, each)] == []

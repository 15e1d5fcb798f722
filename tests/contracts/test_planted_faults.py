"""Every behaviour of every contract has a fault planted for it, which the contract finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.references import load
from dovetail.testing.faults import Faults, judge
from dovetail.testing.trial import Trial

HERE = Path(__file__).parent
REPORT = r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+"
TYPES = sorted(each.stem for each in HERE.glob("planted/[a-z]*") if each.stem.isidentifier())


def planted(kind: str) -> Faults:
    faults = load(f"planted.{kind}:FAULTS")
    assert isinstance(faults, Faults)
    return faults


def behaviours(contract: type[Any]) -> list[int]:
    found = (re.match(r"test_(\d+)_", name) for name in dir(contract))
    return sorted({int(match[1]) for match in found if match})


@pytest.mark.parametrize("kind", TYPES)
def test_every_behaviour_has_a_fault(kind: str) -> None:
    assert planted(kind).numbers == behaviours(planted(kind).contract)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", TYPES)
def test_every_fault_fails_its_own_number_and_no_other(
    kind: str, tmp_path: Path, whole: bool, record_property: Callable[[str, object], None]
) -> None:
    faults = planted(kind).all
    patience = planted(kind).patience
    findings = judge(faults, tmp_path, path=(str(HERE),), only_own=not whole, patience=patience)
    caught = sum(finding.caught for finding in findings)
    modelled = sum(fault.modelled_on is not None for fault in faults)
    record_property("count", f"{caught} of {len(faults)} faults caught, {modelled} modelled on reports")
    assert len(findings) == len(faults)
    assert [str(finding) for finding in findings if not finding.caught or finding.undeclared] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", TYPES)
def test_without_a_fault_the_contract_holds(kind: str, tmp_path: Path) -> None:
    kits = {name: f"planted.{kind}:CORRECT.{name}" for name in vars(load(f"planted.{kind}:CORRECT"))}
    outcomes = Trial(kits, tmp_path, path=(str(HERE),)).run()
    assert {each.kit for each in outcomes} == set(kits)
    assert [each for each in outcomes if each.result == "failed"] == []


def test_a_third_of_the_faults_is_modelled_on_reports_of_other_tools() -> None:
    faults = [fault for kind in TYPES for fault in planted(kind).all]
    modelled = [fault.modelled_on for fault in faults if fault.modelled_on]
    assert len(modelled) * 3 >= len(faults)
    assert [each for each in modelled if not re.fullmatch(REPORT, each)] == []

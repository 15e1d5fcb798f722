from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dovetail.errors import IntegrationError
from dovetail.testing.trial import Outcome, Trial

HERE = str(Path(__file__).parent)


def run(folder: Path, **options: object) -> dict[str, Outcome]:
    kits = {"Ends": "trials_of_test:Ends", "Unmakeable": "trials_of_test:Unmakeable"}
    trial = Trial(kits, folder / "trial", path=(HERE,), patience=3.0, **options)
    return {f"{each.kit}::{each.test}": each for each in trial.run()}


def test_every_test_has_an_outcome_however_it_ended(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert {name: each.result for name, each in found.items()} == {
        "Ends::test_1_well": "passed",
        "Ends::test_2_badly": "failed",
        "Ends::test_3_with_its_process": "failed",
        "Ends::test_4_never": "failed",
        "Ends::test_5_before_it_began": "skipped",
        "Ends::test_6_after_all_that": "passed",
        "Ends::test_without_a_number": "passed",
        "Unmakeable::test_1_with_it": "failed",
    }
    assert "two is wrong" in found["Ends::test_2_badly"].reason
    assert found["Ends::test_3_with_its_process"].reason == "the process ended with it, code 3"
    assert found["Ends::test_4_never"].reason == "it did not end within 3 s"
    assert found["Ends::test_5_before_it_began"].reason == "nothing to test here"
    assert "it cannot be made" in found["Unmakeable::test_1_with_it"].reason


def test_outcomes_have_the_numbers_of_their_tests(tmp_path: Path) -> None:
    found = run(tmp_path, numbers={"Ends": {1, 6}, "Unmakeable": set()})
    assert sorted(found) == ["Ends::test_1_well", "Ends::test_6_after_all_that"]
    assert [each.number for each in found.values()] == [1, 6]


def test_a_contract_class_that_cannot_be_imported_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(IntegrationError, match="no_such_module"):
        Trial({"Lost": "no_such_module:Lost"}, tmp_path / "trial").run()


def test_without_pytest_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "python"
    alone.write_text(f"#!/bin/sh\nshift\nexec {sys.executable} -I -S -m pytest\n")
    alone.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(alone))
    with pytest.raises(IntegrationError) as caught:
        Trial({"Ends": "trials_of_test:Ends"}, tmp_path / "trial", path=(HERE,)).run()
    assert "dovetail[testing]" in (caught.value.hint or "")

"""The contract of servers finds the faults that are planted for it."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

from dovetail.testing.faults import Faults

HERE = str(Path(__file__).parent)
WHOLE = os.environ.get("DOVETAIL_TEST_SIZES") == "full"

pytestmark = pytest.mark.real


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    monkeypatch.syspath_prepend(HERE)
    found = import_module("faulty_stores").FAULTS
    assert isinstance(found, Faults)
    return found


def test_behaviours_35_to_39_have_a_fault(faults: Faults) -> None:
    assert faults.numbers == [35, 36, 37, 38, 39]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("server")
def test_every_fault_fails_its_own_number_and_no_other(faults: Faults, tmp_path: Path) -> None:
    # The conftest of this folder starts the server of the processes that run the contract.
    path = (HERE, *(each for each in sys.path if (Path(each) / "real_servers").is_dir()))
    environment = {"PYTEST_PLUGINS": "conftest"}
    findings = faults.judge(faults.all, tmp_path, path=path, only_own=not WHOLE, environment=environment)
    assert sorted(each.fault.number for each in findings) == faults.numbers
    assert [str(each) for each in findings if not each.caught or each.undeclared] == []

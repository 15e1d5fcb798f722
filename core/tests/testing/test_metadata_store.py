"""The contract on paper and the contract as tests are one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dovetail.testing.metadata_store import MetadataStoreContract

PAGE = Path(__file__).parents[3] / "docs" / "contracts" / "metadata-store.md"


def test_every_number_of_the_page_has_its_test_and_no_other_is_there() -> None:
    if not PAGE.exists():
        pytest.skip("no documentation here; clone the repository")
    written = [
        int(each) for each in re.findall(r"^(\d+)\. \*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    tested = [
        int(match[1]) for name in dir(MetadataStoreContract) if (match := re.match(r"test_(\d+)_", name))
    ]
    assert written == sorted(set(tested)) == list(range(1, len(tested) + 1))

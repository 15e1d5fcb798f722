from __future__ import annotations

import re
from pathlib import Path

import pytest

from dovetail import errors
from dovetail.cli import ending

PAGE = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text()
ROWS = {int(code): names for code, names in re.findall(r"^\| (\d+) \|.*\|(.*)\|$", PAGE, re.MULTILINE)}
KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_table_at_its_code(kind: type[errors.DovetailError]) -> None:
    assert f"`{kind.__name__}`" in ROWS[kind.exit_code]


def test_every_code_of_the_program_itself_stands_in_the_table() -> None:
    assert {0, ending.INTERNAL, ending.INTERRUPTED, ending.BROKEN_PIPE} <= ROWS.keys()

"""What the tests of the guarantees share: a command line with a home of its own, sizes, and their counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line in an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, tmp_path / "home")


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the sizes are those that Dovetail promises; else such that everybody runs them all the time."""
    return os.environ.get("DOVETAIL_TEST_SIZES") == "full"


@pytest.fixture(scope="session")
def size(full: bool) -> Callable[[int, int], int]:
    """Choose between the quick and the full size: `size(8, 100)`."""
    return lambda quick, whole: whole if full else quick


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Note a count for the summary at the end: `tell("100 kills, 0 violations")`."""
    return lambda line: record_property("count", line)

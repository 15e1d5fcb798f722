"""The command line in an empty project, with a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line in an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, tmp_path / "home")

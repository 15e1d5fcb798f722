"""G1: an import that is killed shows no half of anything, and nothing of it has to stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine

CHAIN = """
from dovetail import pipeline, step

@step
def load() -> list[int]:
    return [1, 2, 3]

@step
def total(values: list[int]) -> int:
    return sum(values)

@pipeline
def chain():
    total(load())
"""
POINTS = [f"{point}:kill:{count}" for count in (4, 1, 2, 3) for point in ("write", "rename")]


def stored(cli: CommandLine) -> set[str]:
    return {each.parent.name for each in (cli.home / "store" / "artifacts").glob("*/*/*")}


@pytest.mark.timeout(600)
def test_g01_a_killed_import_leaves_no_half_of_an_artifact_and_what_it_left_is_pruned(
    cli: CommandLine, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    cli.write("run.py", CHAIN)
    assert cli("run", "run.py").code == 0
    assert cli("artifact", "export", "--run", "last", "-o", "all.tar").code == 0
    before, points = stored(cli), POINTS[: size(2, len(POINTS))]
    for point in points:
        assert cli("artifact", "import", "all.tar", env={"DOVETAIL_FAILPOINT": point}).code == -9
        assert len(cli("artifact", "list", "--json").json()) == len(before)
        assert cli("artifact", "verify", "--all").code == 0
    (killed, *_) = cli("run", "list", "--json").json()
    assert killed["status"] == "interrupted"
    resumed = cli("run", "resume", killed["name"])
    assert resumed.code == 6
    assert "is an import of 'all.tar' that was cut off\nhint: import it again" in resumed.err
    assert cli("artifact", "prune", "--yes").code == 0
    assert stored(cli) == before
    assert list(Path(cli.home / "store").rglob(".*.partial")) == []
    assert cli("artifact", "import", "all.tar").code == 0
    assert len(stored(cli)) == 2 * len(before)
    tell(f"G1: {len(points)} killed imports, nothing of them is seen")

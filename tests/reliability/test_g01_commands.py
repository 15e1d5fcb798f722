"""Commands that change a store are killed in the middle: what is there stays whole, and again it works."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.components.sql.schema import TABLES
from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import Moment, local_violations
from dovetail.testing.storm import Storm
from dovetail.testing.witness import WITNESS

Size = Callable[[int, int], int]
Tell = Callable[[str], None]


def killed(storm: Storm, point: str, *arguments: str) -> None:
    answer = storm.cli(*arguments, env={"DOVETAIL_FAILPOINT": point, WITNESS: str(storm.witness)})
    assert answer.code == -signal.SIGKILL, (point, answer)


def done(storm: Storm, *arguments: str) -> None:
    answer = storm.cli(*arguments, env={WITNESS: str(storm.witness)})
    assert answer.code == 0, answer


@pytest.mark.timeout(600)
def test_g01_a_kill_while_a_fresh_store_is_made_leaves_one_that_can_be_made(
    storm: Storm, chance: random.Random, size: Size, tell: Tell
) -> None:
    counts = chance.sample(range(1, len(TABLES.tables) + 2), size(2, len(TABLES.tables) + 1))
    for number, count in enumerate(counts):
        home = storm.cli.home.with_name(f"home-{number}")
        again = Storm(type(storm.cli)(storm.cli.directory, home))
        killed(again, f"create:kill:{count}", "run", "shapes.py:several")
        done(again, "run", "list")
        assert local_violations(home, Moment.PRUNED) == []
    tell(f"{len(counts)} kills at create: 0 violations")


def leftovers(storm: Storm, seed: int) -> None:
    """Leave artifacts that nobody will ever record, and a run that lost an attempt."""
    different = ("--param", f"load.seed={seed}", "--in-process")
    shot = storm.start("shapes.py:several", *different, env={"AIM": "split 1 rename:kill:4"})
    assert shot.process.wait(100) == -signal.SIGKILL
    storm.look(shot)
    storm.resume(shot, "--in-process")
    assert storm.problems == []
    assert local_violations(storm.cli.home, Moment.PRUNED, storm.witness)


@pytest.mark.timeout(600)
def test_g01_a_kill_of_prune_and_delete_loses_nothing_that_a_run_has(
    storm: Storm, size: Size, tell: Tell
) -> None:
    done(storm, "run", "shapes.py:fan_out", "--name", "kept", "-q")
    kills = 0
    for seed in range(1, size(2, 11)):
        leftovers(storm, seed)
        for count in (1, 2):
            killed(storm, f"delete:kill:{count}", "artifact", "prune", "--yes")
            assert local_violations(storm.cli.home, Moment.KILLED, storm.witness) == []
            kills += 1
        done(storm, "artifact", "prune", "--yes")
        assert local_violations(storm.cli.home, Moment.PRUNED, storm.witness) == []
    tell(f"{kills} kills of prune: 0 violations")


@pytest.mark.timeout(600)
def test_g01_a_kill_of_prune_at_every_point_loses_nothing_and_the_next_one_finishes(
    storm: Storm, size: Size, chance: random.Random, tell: Tell, tmp_path: Path
) -> None:
    done(storm, "run", "shapes.py:fan_out", "--name", "kept", "-q")
    leftovers(storm, 1)
    done(storm, "run", "shapes.py:several", "--name", "gone", "-q")
    gone = [each["id"] for each in storm.cli("run", "list", "--json").json() if each["name"] == "gone"]
    killed(storm, "delete:kill:1", "run", "delete", "gone", "--yes")
    log = tmp_path / "passed"
    points = {"DOVETAIL_FAILPOINT": "delete:tell", "DOVETAIL_FAILPOINT_LOG": str(log)}
    copy(storm, tmp_path / "counted")("artifact", "prune", "--yes", env=points)
    passed = len(log.read_text(encoding="utf-8").splitlines())
    counts = sorted(chance.sample(range(1, passed + 1), size(min(3, passed), passed)))
    for count in counts:
        again = Storm(copy(storm, tmp_path / f"killed-{count}"))
        killed(again, f"delete:kill:{count}", "artifact", "prune", "--yes")
        assert local_violations(again.cli.home, Moment.KILLED, storm.witness, deleted=gone) == []
        done(again, "artifact", "prune", "--yes")
        assert local_violations(again.cli.home, Moment.PRUNED, storm.witness, deleted=gone) == []
    tell(f"prune killed at {len(counts)} of {passed} points: 0 violations")


def copy(storm: Storm, home: Path) -> CommandLine:
    """Return the command line of the same project with a copy of all its stores."""
    shutil.copytree(storm.cli.home, home, symlinks=True)
    return CommandLine(storm.cli.directory, home)


@pytest.mark.timeout(600)
def test_g01_a_kill_of_run_delete_leaves_none_of_the_run_once_it_is_pruned(storm: Storm) -> None:
    for count, name in ((1, "kept"), (1, "one"), (2, "two")):
        done(
            storm,
            "run",
            "shapes.py:several",
            "--name",
            name,
            "-q",
            "--param",
            f"load.seed={len(name) + count}",
        )
    deleted = [each["id"] for each in storm.cli("run", "list", "--json").json() if each["name"] != "kept"]
    for count, name in ((1, "one"), (2, "two")):
        killed(storm, f"delete:kill:{count}", "run", "delete", name, "--yes")
    assert local_violations(storm.cli.home, Moment.KILLED, deleted=deleted) == []
    done(storm, "artifact", "prune", "--yes")
    assert local_violations(storm.cli.home, Moment.PRUNED) == []
    assert [each["name"] for each in storm.cli("run", "list", "--json").json()] == ["kept"]

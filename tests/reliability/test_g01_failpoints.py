"""Death at each named boundary: of the runner, of a step's process, of the supervisor."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.client import Client
from dovetail.failpoints import NAMES
from dovetail.records.run import AttemptRecord, Status
from dovetail.testing.storm import Storm

ARRIVALS = {
    "claim": 5, "begin": 1, "write": 12, "rename": 12, "report": 5, "record": 4, "finish": 1,
    "log-flush": 4, "cache-look-up": 4, "retry": 2, "create": 9,
}  # fmt: skip
"""How often a first run of `fan_in` passes a point at least; `delete` belongs to other commands."""

BY_THE_LAUNCHER = ("claim", "begin", "record", "finish", "cache-look-up", "retry", "create")
BY_STEPS = ("write", "rename", "report")


def attempts(storm: Storm, name: str) -> list[AttemptRecord]:
    client = Client(home=storm.cli.home / "store")
    run = client.run(name)
    return client.records.metadata.attempts(run.id)


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_g01_every_boundary_has_a_failpoint_that_is_passed(storm: Storm, mode: list[str]) -> None:
    log = storm.cli.directory / "passed"
    assert set(NAMES) == {*ARRIVALS, "delete"}
    armed = ",".join(f"{name}:tell" for name in NAMES)
    shot = storm.start(
        "shapes.py:fan_in", *mode, env={"DOVETAIL_FAILPOINT": armed, "DOVETAIL_FAILPOINT_LOG": str(log)}
    )
    shot.process.communicate(timeout=100)
    passed = [line.split() for line in log.read_text().splitlines()]
    for name, arrivals in ARRIVALS.items():
        processes = [int(process) for each, process in passed if each == name]
        assert len(processes) >= arrivals, name
        launchers = name in BY_THE_LAUNCHER or bool(mode)
        assert (shot.process.pid in processes) == launchers, name
        assert len(set(processes)) == (7 if name in BY_STEPS and not mode else 1), name


def test_a_failpoint_that_nothing_passes_is_told(storm: Storm) -> None:
    """The tests below fail where a point is not reached; this one knows that they would."""
    shot = storm.start("shapes.py:diamond", env={"DOVETAIL_FAILPOINT": "retry:kill"})
    storm.look(shot)
    assert shot.process.returncode == 0  # nothing is retried in a diamond


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted({*ARRIVALS} - {"create"}))
def test_g01_the_runner_is_killed_at_a_failpoint_and_resume_completes(
    storm: Storm,
    name: str,
    chance: random.Random,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    in_process = name not in BY_THE_LAUNCHER
    for seed in range(size(1, 10 if in_process else 20)):
        modes = ["--in-process"] if in_process or seed % 4 == 3 else []
        point = f"{name}:kill:{chance.randint(1, ARRIVALS[name])}"
        env = {"DOVETAIL_FAILPOINT": point}
        shot = storm.start("shapes.py:fan_in", "--param", f"load.seed={seed}", *modes, env=env)
        assert shot.process.wait(100) == -signal.SIGKILL, (point, shot.process.communicate())
        storm.look(shot)
        if seed % 3 == 2:
            again = storm.again(shot, *modes, env={"DOVETAIL_FAILPOINT": f"{name}:kill"})
            again.process.wait(100)
            storm.look(again)
        storm.resume(shot, *modes)
    tell(f"{sum(storm.phases.values())} kills at {name}: {len(storm.problems)} violations")
    assert storm.problems == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BY_STEPS)
def test_g01_the_process_of_a_step_is_killed_at_a_failpoint_and_the_others_go_on(
    storm: Storm,
    name: str,
    chance: random.Random,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    kills = size(1, 10)
    for seed in range(kills):
        count = chance.randint(1, {"report": 1}.get(name, 3))
        shot = storm.start(
            "shapes.py:diamond", "--param", f"load.seed={seed}", "--failure-policy", "continue",
            env={"AIM": f"left 1 {name}:kill:{count}"},
        )  # fmt: skip
        assert shot.process.wait(100) == 1
        run = storm.look(shot)
        assert run is not None
        assert run.status is Status.FAILED
        ended = {each.step: each for each in attempts(storm, run.name)}
        assert (ended["left"].status, ended["left"].reason) == (Status.FAILED, "signal")
        assert ended["right"].status is Status.COMPLETED
        storm.resume(shot)
    tell(f"{kills} kills of a step's process at {name}: {len(storm.problems)} violations")
    assert storm.problems == []


@pytest.mark.parametrize(
    ("point", "reasons"),
    [
        ("write:kill", {"signal"}),
        ("rename:exit:2", {"exit"}),
        ("rename:raise", {"error"}),
        ("report:raise", {"error", "exit"}),
    ],
)
def test_g01_an_attempt_that_dies_at_a_failpoint_is_retried(
    storm: Storm, point: str, reasons: set[str]
) -> None:
    shot = storm.start("shapes.py:chain", env={"AIM": f"link_1 1 {point}"})
    assert shot.process.wait(100) == 0, shot.process.communicate()
    run = storm.look(shot)
    assert run is not None
    first, second = (each for each in attempts(storm, run.name) if each.step == "link_1")
    assert (first.status, second.status) == (Status.FAILED, Status.COMPLETED)
    assert first.reason in reasons
    storm.resume(shot)
    assert storm.problems == []


@pytest.mark.timeout(600)
def test_g01_the_supervisor_is_killed_while_it_writes_a_log(
    storm: Storm, chance: random.Random, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    kills = size(1, 10)
    for seed in range(kills):
        env = {"DOVETAIL_FAILPOINT": f"log-flush:kill:{chance.randint(1, 4)}"}
        shot = storm.start("shapes.py:fan_in", "--param", f"load.seed={seed}", env=env)
        assert shot.process.wait(100) == 1
        run = storm.look(shot)
        assert run is not None
        assert run.status is Status.FAILED
        storm.resume(shot)
    tell(f"{kills} kills of the supervisor at log-flush: {len(storm.problems)} violations")
    assert storm.problems == []


@pytest.mark.timeout(600)
def test_g01_errors_at_failpoints_of_the_launcher_are_told_and_leave_a_run_to_resume(
    storm: Storm, size: Callable[[int, int], int]
) -> None:
    names = ("record", "retry", "claim", "finish", "cache-look-up")[: size(2, 5)]
    for seed, name in enumerate(names):
        env = {"DOVETAIL_FAILPOINT": f"{name}:raise"}
        shot = storm.start("shapes.py:fan_in", "--param", f"load.seed={seed}", env=env)
        _, err = shot.process.communicate(timeout=100)
        assert shot.process.returncode > 0, name
        assert "failpoint" in err
        storm.look(shot)
        storm.resume(shot)
    assert storm.problems == []


def test_g03_a_step_that_is_stopped_at_a_failpoint_dies_with_the_runner(storm: Storm) -> None:
    shot = storm.start("shapes.py:diamond", env={"AIM": "left 1 rename:stop"})
    shot.until(lambda: any(_state(pid) == "T" for pid in shot.processes()["others"]))
    shot.kill()
    storm.look(shot)
    storm.resume(shot)
    assert storm.problems == []


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"

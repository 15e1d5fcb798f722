"""Many processes on one store: nobody fails, nothing is lost, and who reads sees whole transactions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dovetail.testing.command_line import Answer, CommandLine
from dovetail.testing.invariants import Moment, local_violations
from dovetail.testing.witness import WITNESS, executions

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 600.0
COMPLAINT = re.compile(r"locked|busy|error|warning|traceback", re.IGNORECASE)

Size = Callable[[int, int], int]
Tell = Callable[[str], None]


@pytest.fixture
def crowd(cli: CommandLine) -> CommandLine:
    """A project with a pipeline of COUNT steps that leave a witness."""
    for name in ("crowd.py", "reader.py"):
        cli.write(name, (PROGRAMS / name).read_text(encoding="utf-8"))
    return cli


def at_once(cli: CommandLine, commands: Sequence[Sequence[str]], env: dict[str, str]) -> list[Answer]:
    """Run all these commands at the same time; return what they answered, in the same order."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda each: cli(*each, env=env, timeout=PATIENCE), commands))


def complaints(answers: Sequence[Answer]) -> list[str]:
    """Return what is said by those that failed or found something to complain about."""
    return [
        f"exit code {each.code}: {each.out[-500:]}{each.err[-2000:]}"
        for each in answers
        if each.code or COMPLAINT.search(each.err)
    ]


@dataclass
class Readers:
    """What those who read all the while have seen; `str` of it is for the summary."""

    rounds: int = 0
    commands: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"meanwhile {self.rounds} readings of all and {self.commands} commands, 0 errors, 0 torn"

    def add(self, other: Readers) -> None:
        """Count what was seen elsewhere."""
        self.rounds += other.rounds
        self.commands += other.commands
        self.problems += other.problems


@contextmanager
def readers(cli: CommandLine, steps: int) -> Iterator[Readers]:
    """Let a process of its own read, and commands be typed, for as long as the block takes."""
    seen = Readers()
    client = subprocess.Popen(
        [sys.executable, "reader.py", str(steps)],
        cwd=cli.directory,
        env=cli.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stop = cli.directory / "stop"
    with ThreadPoolExecutor(1) as pool:
        typing = pool.submit(_type_commands, cli, stop, seen)
        try:
            yield seen
        finally:
            stop.touch()
            out, err = client.communicate(timeout=PATIENCE)
            typing.result(PATIENCE)
    if client.returncode or err:
        seen.problems.append(err)
    told = json.loads(out)
    seen.rounds = told["rounds"]
    seen.problems += told["torn"]


def _type_commands(cli: CommandLine, stop: Path, seen: Readers) -> None:
    """List the runs and show the newest, again and again; both have to be whole."""
    over = False
    while not over:
        over = stop.exists()
        listed = cli("run", "list", "--json")
        seen.problems += complaints([listed])
        seen.commands += 1
        for each in (listed.json() if listed.code == 0 else [])[:1]:
            shown = cli("run", "show", each["name"], "--json")
            seen.problems += complaints([shown])
            seen.commands += 1


def check_crowd(cli: CommandLine, processes: int, steps: int) -> None:
    """See that every run and every step of it is there, once, and that nothing else is."""
    runs = cli("run", "list", "--limit", "1000", "--json").json()
    assert Counter(each["status"] for each in runs) == {"completed": processes}
    found = Counter[str]()
    for each in runs:
        found.update(step["status"] for step in cli("run", "show", each["name"], "--json").json()["steps"])
    assert found == {"completed": processes * steps}
    assert len(executions(cli.directory / "witness")) == processes * steps
    assert local_violations(cli.home, Moment.PRUNED, cli.directory / "witness") == []


def writers(processes: int) -> list[list[str]]:
    """Return commands that run the crowd, every third of them in its own process."""
    return [
        ["run", "crowd.py", "--no-cache", "--quiet", "--name", f"run-{number}", "--max-workers", "2"]
        + (["--in-process"] if number % 3 == 2 else [])
        for number in range(processes)
    ]


@pytest.mark.timeout(1800)
def test_g06_eight_processes_lose_nothing_and_a_reader_sees_no_half(
    crowd: CommandLine, size: Size, tell: Tell
) -> None:
    processes, steps = size(3, 8), size(10, 50)
    env = {"COUNT": str(steps), WITNESS: str(crowd.directory / "witness")}
    assert crowd("run", "list").code == 0
    with readers(crowd, steps) as seen:
        answers = at_once(crowd, writers(processes), env)
    assert complaints(answers) == []
    assert seen.problems == []
    assert seen.rounds > 1
    check_crowd(crowd, processes, steps)
    tell(
        f"{processes} processes, 0 errors, {processes} runs completed, {processes * steps} step runs; {seen}"
    )


@pytest.mark.timeout(1800)
def test_g06_thirty_two_processes_make_no_error(crowd: CommandLine, size: Size, tell: Tell) -> None:
    processes, steps = size(6, 32), size(4, 20)
    env = {"COUNT": str(steps), WITNESS: str(crowd.directory / "witness")}
    with readers(crowd, steps) as seen:
        answers = at_once(crowd, writers(processes), env)
    assert complaints(answers) == []
    assert seen.problems == []
    assert seen.rounds > 1
    check_crowd(crowd, processes, steps)
    tell(f"{processes} processes, 0 errors, {processes * steps} step runs on a fresh store; {seen}")


@pytest.mark.timeout(600)
def test_g06_runs_that_share_a_cache_share_it_without_an_error(
    crowd: CommandLine, size: Size, tell: Tell
) -> None:
    processes, steps = size(3, 8), size(6, 50)
    commands = [[*each[:2], *each[3:]] for each in writers(processes)]  # without --no-cache
    env = {"COUNT": str(steps), WITNESS: str(crowd.directory / "witness")}
    assert complaints(at_once(crowd, commands, env)) == []
    runs = crowd("run", "list", "--json").json()
    shown = [crowd("run", "show", each["name"], "--json").json() for each in runs]
    found = Counter(step["status"] for each in shown for step in each["steps"])
    assert found["completed"] + found["cached"] == processes * steps
    assert found["completed"] >= steps
    assert local_violations(crowd.home, Moment.PRUNED) == []
    tell(f"{processes} processes with one cache: {found['completed']} computed, {found['cached']} cached")


KINDS = (
    "run crowd.py --quiet --json",
    "run crowd.py --quiet --in-process --json",
    "run list --json",
    "artifact list --json",
    "stack register other -o local -a local",
    "artifact-store register second --flavor local",
    "integration list --json",
    "profile create team",
)
"""Eight commands; each needs something of what a fresh place lacks: index, profile, folders, tables."""


def fresh(tmp_path: Path, number: int) -> tuple[CommandLine, dict[str, str]]:
    """Return a command line whose home is not there: every other time the one that a platform gives."""
    place = tmp_path / f"fresh-{number}"
    project = place / "project"
    project.mkdir(parents=True)
    cli = CommandLine(project, place / "home")
    for name in ("crowd.py", "reader.py"):
        cli.write(name, (PROGRAMS / name).read_text(encoding="utf-8"))
    if number % 2:
        return CommandLine(project, place / "user" / ".local" / "share" / "dovetail"), {
            "DOVETAIL_HOME": "",
            "XDG_DATA_HOME": "",
            "HOME": str(place / "user"),
        }
    return cli, {}


@pytest.mark.timeout(3600)
def test_g06_a_fresh_store_is_opened_by_eight_commands_at_once(
    tmp_path: Path, size: Size, tell: Tell
) -> None:
    rounds = size(2, 30)
    succeeded, seen = 0, Readers()
    for number in range(rounds):
        cli, env = fresh(tmp_path, number)
        env |= {"COUNT": "3", WITNESS: str(cli.directory / "witness")}
        with readers(cli, 3) as seen_here:
            answers = at_once(cli, [each.split() for each in KINDS], env)
        seen.add(seen_here)
        assert complaints(answers) == []
        assert seen.problems == []
        succeeded += sum(each.code == 0 for each in answers)
        ours = {"DOVETAIL_HOME": str(cli.home)}
        assert [each["status"] for each in cli("run", "list", "--json", env=ours).json()] == ["completed"] * 2
        stacks = {each["name"] for each in cli("stack", "list", "--json", env=ours).json()}
        stores = {each["name"] for each in cli("artifact-store", "list", "--json", env=ours).json()}
        profiles = {each["name"] for each in cli("profile", "list", "--json", env=ours).json()}
        assert (stacks, stores, profiles) == ({"default", "other"}, {"local", "second"}, {"default", "team"})
        assert local_violations(cli.home, Moment.PRUNED) == []
    assert succeeded == rounds * len(KINDS)
    assert seen.rounds >= rounds
    tell(f"{rounds} fresh stores, {succeeded} of {rounds * len(KINDS)} commands at once succeeded; {seen}")


def test_g06_writers_of_one_profile_lose_no_entry(cli: CommandLine, size: Size, tell: Tell) -> None:
    processes = size(6, 32)
    commands = [
        ["stack", "register", f"s{number}", "-o", "local", "-a", "local"]
        if number % 2
        else ["artifact-store", "register", f"a{number}", "--flavor", "local"]
        for number in range(processes)
    ]
    assert complaints(at_once(cli, commands, {})) == []
    names = {each["name"] for each in cli("stack", "list", "--json").json()}
    names |= {each["name"] for each in cli("artifact-store", "list", "--json").json()}
    assert names - {"default", "local"} == {
        f"{'s' if number % 2 else 'a'}{number}" for number in range(processes)
    }
    tell(f"{processes} writers of one profile, {processes} entries")

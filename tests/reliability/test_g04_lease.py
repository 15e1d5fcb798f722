"""A run is owned by one process at a time; who has lost it writes nothing, and whose owner died is free."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import MetadataStore
from dovetail.host.process_tree import carriers
from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import Moment, local_violations


def store_of(cli: CommandLine) -> MetadataStore:
    return SqliteMetadataStore("looked-at", SqliteMetadataStoreConfig(), home=cli.home / "store")


def facts_of(cli: CommandLine, run_id: str) -> list[Any]:
    """Return everything that is recorded of a run."""
    with store_of(cli) as store:
        store.open()
        return [store.run(run_id), store.steps(run_id), store.attempts(run_id), store.metrics(run_id)]


def test_g04_a_run_whose_process_is_stopped_is_not_taken_over_and_completes_later(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("waiting")
    program.until_ready()
    program.process.send_signal(signal.SIGSTOP)
    refused = cli("run", "resume", program.run)
    assert refused.code == 6
    assert f"is owned by process {program.process.pid} on " in refused.err
    assert program.shown()["status"] == "running"
    (cli.directory / "go").touch()
    program.process.send_signal(signal.SIGCONT)
    assert program.end() == 0, program.err
    assert len(program.told()) == 1
    assert local_violations(cli.home) == []


def test_g04_who_has_lost_a_run_records_nothing_late_and_ends_with_one_message(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    late = stubborn("waiting")
    late.until_ready()
    late.process.send_signal(signal.SIGSTOP)
    # The lock cannot be taken from a live process; another file in its place frees the run.
    (lock,) = (cli.home / "store").glob("*.lock")
    lock.unlink()
    taken = cli("run", "resume", late.run, "--json", env={"HURRY": "1"})
    assert taken.json()["status"] == "completed", taken.err
    before = facts_of(cli, taken.json()["id"])
    (cli.directory / "go").touch()
    late.until(lambda: late.told("done"))
    late.process.send_signal(signal.SIGCONT)
    assert late.end() == 6
    (message,) = [line for line in late.err.splitlines() if line.startswith("error")]
    assert "under epoch 1: its epoch is 2" in message
    assert "run resume" not in late.err
    assert facts_of(cli, taken.json()["id"]) == before
    assert cli("artifact", "prune", "--yes").code == 0
    assert late.left_over(2.0) == []


def test_g04_of_several_resumes_at_once_exactly_one_goes_on(
    stubborn: Callable[..., Any],
    cli: CommandLine,
    size: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    program = stubborn("waiting")
    program.until_ready()
    ends: Counter[int] = Counter()
    rounds = size(2, 20)
    for number in range(rounds):
        program.process.kill()
        program.end()
        program.left_over(2.0)
        resume = ("-m", "dovetail", "run", "resume", program.run)
        rivals = [stubborn("", program=resume) for _ in range(3)]
        program.until(lambda: sum(each.process.poll() is not None for each in rivals) == 2)  # noqa: B023 - called at once
        (winner,) = [each for each in rivals if each.process.poll() is None]
        ends.update(each.end() for each in rivals if each is not winner)
        assert all("is owned by" in each.err for each in rivals if each is not winner), number
        winner.run, program = program.run, winner
    (cli.directory / "go").touch()
    assert program.end() == 0, program.err
    assert ends == {6: 2 * rounds}
    assert local_violations(cli.home) == []
    tell(f"{rounds} times 3 resumes at once: 1 went on, 2 were refused")


def links(pid: int) -> list[str]:
    """Return where the descriptors of a process lead that it keeps open."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile: the process works on
            found.append(str(each.readlink()))
    return found


def test_g04_no_process_of_a_step_has_the_lock_of_its_run(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("parent")
    program.until_ready()
    others = [pid for pid in carriers(f"DOVETAIL_TEST_COOKIE={program.token}") if pid != program.process.pid]
    opened = {pid: links(pid) for pid in others}
    assert len(others) >= 5, "supervisor, warm process, step and its two children"
    store = str(cli.home / "store")
    assert not [
        each for files in opened.values() for each in files if each.startswith(store) and ".db" in each
    ]
    assert any(".lock" in each for each in links(program.process.pid))


def test_g04_a_fork_of_a_step_does_not_keep_the_run_of_a_dead_process(
    stubborn: Callable[..., Any], cli: CommandLine
) -> None:
    program = stubborn("forking", "--in-process")
    program.until_ready()
    program.process.kill()
    program.end()
    assert carriers(f"DOVETAIL_TEST_COOKIE={program.token}"), "the fork lives"
    assert program.shown()["status"] == "interrupted"
    assert local_violations(cli.home, Moment.KILLED) == []


def test_g04_a_run_of_a_read_only_store_is_shown_and_refused(
    stubborn: Callable[..., Any], cli: CommandLine, disk: Any
) -> None:
    here = replace(cli, home=disk.path / "home")
    program = stubborn("waiting", "--in-process", DOVETAIL_HOME=str(here.home))
    program.until_ready()
    program.process.kill()
    program.end()
    disk.writable(False)
    commands = [("resume", "last"), ("cancel", "last"), ("delete", "last", "--yes")]
    answers = [here("run", *each) for each in commands]
    shown = here("run", "show", "last", "--json")
    disk.writable(True)
    assert [each.code for each in answers] == [8, 8, 8]
    assert all("is read-only here" in each.err for each in answers)
    assert shown.json()["status"] == "interrupted"

"""G10: a full disk is a message, whatever lies on it; what was there stays, and resume goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine, assert_message

RUN = """
from dovetail import pipeline, step

@step
def small() -> int:
    print("it is computed")
    return 1

@step
def big(value: int, size: int = 1000) -> bytes:
    return b"x" * size

@pipeline
def filling():
    big(small())

if __name__ == "__main__":
    filling.run()
"""
CHAIN = """
from dovetail import pipeline, step

@step
def first() -> int:
    return 1

@step
def more(value: int) -> int:
    return value + 1

@pipeline
def chain():
    value = first()
    for _ in range(20):
        value = more(value)

if __name__ == "__main__":
    chain.run()
"""
Size = Callable[[int, int], int]
Tell = Callable[[str], None]


@pytest.fixture
def store(cli: CommandLine, disk: Any) -> CommandLine:
    """A project whose artifact store lies on the small disk, with one run that has completed."""
    cli.write("run.py", RUN)
    _use(cli, "artifact-store", "register", "tight", "--flavor", "local", "--path", str(disk.path / "store"))
    _use(cli, "stack", "register", "tight", "-o", "local", "-a", "tight", "--set")
    _use(cli, "run", "run.py", "--name", "earlier", "-q")
    return cli


@pytest.fixture
def database(cli: CommandLine, disk: Any) -> CommandLine:
    """A project whose metadata store lies on the small disk, with one run that has completed."""
    cli.write("run.py", RUN)
    cli.write("chain.py", CHAIN)
    _use(cli, "metadata-store", "register", "tight", "--flavor", "sqlite", "--path", f"{disk.path}/meta.db")
    _use(cli, "stack", "register", "tight", "-o", "local", "-a", "local", "-m", "tight", "--set")
    _use(cli, "run", "run.py", "--name", "earlier", "-q")
    return cli


def _use(cli: CommandLine, *arguments: str) -> Answer:
    answer = cli(*arguments)
    assert answer.code == 0, answer.err
    return answer


def _earlier_is_intact(cli: CommandLine) -> None:
    run = _use(cli, "run", "show", "earlier", "--json").json()
    assert run["status"] == "completed"
    for step in run["steps"]:
        for output in step["outputs"].values():
            _use(cli, "artifact", "verify", output["id"])


def _leftovers(place: Path) -> list[Path]:
    return [each for each in place.rglob("*") if each.name.startswith(".") and each.name != ".staging"]


@pytest.mark.parametrize("mode", [["-q"], ["-q", "--in-process"]])
def test_g10_an_output_that_does_not_fit_fails_its_step_with_path_and_need(
    store: CommandLine, disk: Any, mode: list[str]
) -> None:
    answer = store("run", "run.py", "--param", "big.size=6000000", "--name", "late", *mode)
    assert_message(
        answer, 1, "step 'big' failed: no space left", str(disk.path), "bytes.bin", "bytes are free"
    )
    assert _leftovers(disk.path) == []
    _earlier_is_intact(store)
    assert_message(store("run", "resume", "late", *mode), 1, "no space left")
    assert store("run", "show", "late", "--json").json()["steps"][0]["status"] in {"completed", "cached"}


def test_g10_a_script_says_the_same_as_the_command(store: CommandLine, disk: Any) -> None:
    store.write("run.py", RUN.replace("return 1", "return 2"))
    disk.fill()
    assert_message(store.python("run.py"), 1, "step 'small' failed: no space left", str(disk.path))
    disk.free()
    _use(store, "run", "resume", "last", "-q")
    _earlier_is_intact(store)


@pytest.mark.parametrize("mode", [["-q"], ["-q", "--in-process"]])
def test_g10_wherever_the_artifact_store_becomes_full_the_message_says_so_and_resume_goes_on(
    store: CommandLine, disk: Any, mode: list[str], size: Size, tell: Tell
) -> None:
    said = []
    for pages in range(size(1, 0), size(7, 9)):  # each page more is a place further on
        disk.fill(leave=pages)
        answer = store("run", "run.py", "--no-cache", "--name", f"run{pages}", *mode)
        disk.free()
        if answer.code == 0:
            continue
        said.append(answer.err)
        assert_message(answer, 1, "no space left", str(disk.path), "cannot write", "bytes are free")
        _use(store, "run", "resume", f"run{pages}", "-q")
        assert _leftovers(disk.path) == []
    _earlier_is_intact(store)
    places = [place for place in ("value.json", "manifest.json", "/reports/") if place in "".join(said)]
    assert "/reports/" in places, said
    tell(f"full artifact store: {len(said)} runs failed with a message, at {', '.join(places)}")


def test_g10_a_log_that_cannot_be_kept_does_not_fail_its_step(cli: CommandLine) -> None:
    cli.write("run.py", RUN.replace('print("it is computed")', 'print("x" * 9_000_000)'))
    limited = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
    answer = cli.python("-c", limited + "runpy.run_path('run.py', run_name='__main__')")
    assert answer.code == 0, answer.err[-2000:]
    assert "note: a log is incomplete: " in answer.err
    assert "File too large" in answer.err
    assert len(_use(cli, "run", "logs", "last", "small").out) == 1 << 20


@pytest.mark.timeout(240)
def test_g10_wherever_the_database_becomes_full_the_message_says_so_and_the_run_can_be_resumed(
    database: CommandLine, disk: Any, size: Size, tell: Tell
) -> None:
    begun = ended = 0
    for pages in range(0, 160, size(40, 4)):
        disk.fill(leave=pages)
        name = f"run{pages}"
        answer = database("run", "chain.py", "--no-cache", "--name", name, "-q")
        disk.free()
        if answer.code == 0:
            ended += 1
            continue
        assert_message(answer, 8, "no space left", str(disk.path), "bytes are free")
        known = {each["name"]: each["status"] for each in _use(database, "run", "list", "--json").json()}
        if name in known:
            begun += 1
            assert known[name] in {"failed", "interrupted"}
            _use(database, "run", "resume", name, "-q")
    _earlier_is_intact(database)
    assert begun, "no run had begun when the database became full"
    tell(f"full database: {begun} runs had begun and were resumed, {ended} had room")


def test_g10_a_registration_on_a_full_disk_leaves_the_profile_as_it_was(cli: CommandLine, disk: Any) -> None:
    home = disk.path / "home"
    there = CommandLine(cli.directory, home)
    _use(there, "artifact-store", "register", "one", "--flavor", "local")
    before = {each: each.read_bytes() for each in home.rglob("*.yaml")}
    disk.fill()
    assert_message(
        there("artifact-store", "register", "two", "--flavor", "local"), 8, "No space left", str(home)
    )
    assert_message(there("profile", "create", "another"), 8, "No space left", str(home))
    assert {each: each.read_bytes() for each in home.rglob("*.yaml")} == before
    assert _use(there, "artifact-store", "list", "--json").json()
    disk.free()
    _use(there, "artifact-store", "register", "two", "--flavor", "local")


def test_g10_without_room_for_its_index_of_plugins_a_command_works_all_the_same(
    cli: CommandLine, disk: Any
) -> None:
    there = CommandLine(cli.directory, disk.path / "home")
    disk.fill()
    listed = _use(there, "artifact-store", "flavors", "--json").json()
    assert "dovetail/local" in {each["flavor"] for each in listed}, listed


@pytest.mark.parametrize("pages", [1, 2])
def test_g10_a_full_scratch_directory_is_a_message(cli: CommandLine, disk: Any, pages: int) -> None:
    cli.write("chain.py", CHAIN)
    disk.fill(leave=pages)
    answer = cli("run", "chain.py", "-q", env={"TMPDIR": str(disk.path)})
    if answer.code:
        assert_message(answer, 8, "No space left", str(disk.path), "TMPDIR")
        assert list(disk.path.iterdir()) == [disk.path / "ballast"]
    disk.free()
    _use(cli, "run", "chain.py", "-q", "--name", "after")

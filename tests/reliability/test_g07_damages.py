"""G7: whatever is damaged is found, it alone is named, and none of it is read."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dovetail.client import ArtifactView, Client
from dovetail.errors import ArtifactError
from dovetail.materializers.files import ArtifactReader
from dovetail.testing.command_line import CommandLine

STEPS = """
from pathlib import Path
from dovetail import Output, pipeline, step

@step
def numbers() -> Output(few=list[int], many=list[int], text=str):
    return [1, 2, 3], list(range(5000)), "ein schöner Text"

@step
def raw() -> Output(small=bytes, empty=bytes, large=bytearray):
    return b"small", b"", bytearray(range(256)) * 5000

@step
def folder() -> Path:
    top = Path("made")
    (top / "below").mkdir(parents=True, exist_ok=True)
    for name, size in {"one": 1, "two": 70_000, "below/three": 1_300_000}.items():
        (top / name).write_bytes(name[:1].encode() * size)
    return top

@step(materializers={"output": "pickle"})
def pickled() -> object:
    return {"a", "b"}

@step(enable_cache=False)
def again() -> dict[str, float]:
    return {"a": 0.5}

@pipeline
def several():
    numbers(), raw(), folder(), pickled(), again()
"""


@dataclass
class Stored:
    """The artifacts of a run, their files on disk, and which of these were handed out to be read."""

    views: dict[str, ArtifactView]
    root: Path
    read: list[str]

    def directory(self, artifact: str) -> Path:
        return self.root / self.views[artifact].record.stored

    def damaged(self) -> set[str]:
        return {name for name, view in self.views.items() if view.verify()}


@pytest.fixture
def stored(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    cli.write("run.py", STEPS)
    answer = cli("run", "run.py", "--json")
    assert answer.code == 0, answer.err
    monkeypatch.setenv("DOVETAIL_HOME", str(cli.home))
    monkeypatch.chdir(cli.directory)
    read: list[str] = []
    for way in ("get", "open"):
        monkeypatch.setattr(ArtifactReader, way, _noting(getattr(ArtifactReader, way), read))
    with Client() as client:
        views = {view.id: view for view in client.artifacts()}
        yield Stored(views, cli.home / "store", read)


def _noting(give: Callable[[ArtifactReader, str], Any], read: list[str]) -> Callable[..., Any]:
    """Note which files of artifacts are given out to be parsed."""

    def noting(reader: ArtifactReader, name: str) -> Any:
        given = give(reader, name)
        read.append(f"{reader.record.id}/{name}")
        return given

    return noting


# Each damage changes a file or directory, and returns which artifacts are damaged by it.


def flip(path: Path, chance: random.Random) -> bool:
    content = bytearray(path.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    return bool(content)


def truncate(path: Path, chance: random.Random) -> bool:
    size = path.stat().st_size
    os.truncate(path, chance.randrange(size) if size else 0)
    return size > 0


def append(path: Path, chance: random.Random) -> bool:
    with path.open("ab") as stream:
        stream.write(chance.randbytes(chance.choice((1, 1000))))
    return True


def grow(path: Path, chance: random.Random) -> bool:
    os.truncate(path, chance.choice((1 << 33, 1 << 41)))  # sparse: who read that would be at it for hours
    return True


def remove(path: Path, chance: random.Random) -> bool:
    path.unlink()
    return True


def link(path: Path, chance: random.Random) -> bool:
    """Put a link in the place: to its own content, to nothing, to itself, or to what never ends."""
    content = path.with_name("content")
    path.rename(content)
    aside = content.rename(path.parents[3] / "content-elsewhere")
    path.symlink_to(chance.choice((aside, Path("nowhere"), path, Path("/dev/zero"))))
    return True


def directory(path: Path, chance: random.Random) -> bool:
    path.unlink()
    path.mkdir()
    if chance.random() < 0.5:
        (path / "value.json").write_bytes(b"1")
    return True


def fifo(path: Path, chance: random.Random) -> bool:
    path.unlink()
    os.mkfifo(path)
    return True


def door(path: Path, chance: random.Random) -> bool:
    """Put a socket in the place of the file."""
    path.unlink()
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(path.parent)  # its whole path may be too long for a socket
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)
    return True


FILE_DAMAGES = (flip, truncate, append, grow, remove, link, directory, fifo, door)
DAMAGES = (*(each.__name__ for each in FILE_DAMAGES), "swap-files", "swap-artifacts", "extra", "no-artifact")


def harm(stored: Stored, kind: str, chance: random.Random) -> set[str]:
    """Do one damage at a random place; return which artifacts it damages, none where nothing changed."""
    one, other = chance.sample(sorted(stored.views), 2)
    files = sorted(path for path in stored.directory(one).rglob("*") if path.is_file())
    path = chance.choice(files)
    for each in FILE_DAMAGES:
        if each.__name__ == kind:
            return {one} if each(path, chance) else set()
    if kind == "extra":
        path.with_name("extra").write_bytes(b"")
        return {one}
    if kind == "no-artifact":
        return _without(stored.directory(one), chance) and {one}
    there = chance.choice(sorted(each for each in stored.directory(other).rglob("*") if each.is_file()))
    if kind == "swap-artifacts":
        path, there = stored.directory(one), stored.directory(other)
    elif path.read_bytes() == there.read_bytes():
        return set()
    aside = stored.root / "aside"
    path.rename(aside)
    there.rename(path)
    aside.rename(there)
    return {one, other}


def _without(path: Path, chance: random.Random) -> bool:
    """Put something else in the place of a whole artifact."""
    aside = path.parents[2] / "artifact-elsewhere"
    path.rename(aside)
    kind = chance.choice(("nothing", "file", "fifo", "link"))
    if kind == "file":
        path.write_bytes(b"")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(aside)
    return True


def restore(stored: Stored, copy: Path) -> None:
    shutil.rmtree(stored.root / "artifacts")
    for each in stored.root.glob("*-elsewhere"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.copytree(copy, stored.root / "artifacts")


def refused(stored: Stored, artifact: str) -> bool:
    """Load an artifact; say whether that is refused with its name in the message."""
    del stored.read[:]
    try:
        stored.views[artifact].load()
    except ArtifactError as error:
        return artifact in str(error)
    return False


@pytest.mark.timeout(900)
def test_g07_every_damage_is_found_it_alone_is_named_and_none_is_parsed(
    cli: CommandLine,
    stored: Stored,
    size: Callable[[int, int], int],
    chance: random.Random,
    tell: Callable[[str], None],
    tmp_path: Path,
) -> None:
    wanted, copy, done = size(60, 500), tmp_path / "copy", Counter[str]()
    shutil.copytree(stored.root / "artifacts", copy)
    assert stored.damaged() == set()
    while done.total() < wanted:
        kind = DAMAGES[done.total() % len(DAMAGES)]
        damaged = harm(stored, kind, chance)
        if damaged:
            done[kind] += 1
            assert stored.damaged() == damaged, kind
            whole = kind == "extra" or (kind == "no-artifact" and not _lacks(stored, damaged))
            for artifact in damaged:
                assert whole or refused(stored, artifact), kind
                assert whole or not _gave_out_damaged(stored, copy), kind
        if damaged and done.total() % 20 == 1:
            _same_by_the_command(cli, damaged)
        restore(stored, copy)
    assert stored.damaged() == set()
    told = ", ".join(f"{kind} {count}" for kind, count in done.items())
    tell(f"G7: {done.total()} of {wanted} damages found, none parsed ({told})")


def _lacks(stored: Stored, damaged: set[str]) -> bool:
    """Say whether an artifact is not even there through a link."""
    return any(not stored.directory(each).is_dir() for each in damaged)


def _gave_out_damaged(stored: Stored, copy: Path) -> list[str]:
    """Return the files that were handed out although they are not what was stored."""
    found = []
    for each in stored.read:
        artifact, _, name = each.partition("/")
        now, before = stored.directory(artifact) / name, copy / artifact[-2:] / artifact / name
        if now.is_symlink() or not now.is_file() or now.read_bytes() != before.read_bytes():
            found.append(each)
    return found


def _same_by_the_command(cli: CommandLine, damaged: set[str]) -> None:
    answer = cli("artifact", "verify", "--all", "--json", timeout=60)
    assert answer.code == 8
    assert {each["id"] for each in answer.json()["damaged"]} == damaged
    assert answer.err.startswith(f"error: {len(damaged)} of ")


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_g07_a_flipped_byte_is_refused_before_parsing_and_listed_by_verify(
    cli: CommandLine, stored: Stored, place: str
) -> None:
    for name, view in stored.views.items():
        for entry in view.record.files:
            path = stored.directory(name) / entry.path
            content = path.read_bytes()
            if not content:
                continue
            where = {"first": 0, "middle": len(content) // 2, "last": -1}[place]
            changed = bytearray(content)
            changed[where] ^= 1
            path.write_bytes(changed)
            assert stored.damaged() == {name}
            assert refused(stored, name)
            assert f"{name}/{entry.path}" not in stored.read
            path.write_bytes(content)
    assert stored.damaged() == set()

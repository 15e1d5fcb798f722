"""G8: a damaged artifact is a miss. What the cache has of a step is computed anew, and a person is told."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.testing.command_line import Answer, CommandLine

CHAIN = """
from pathlib import Path
from dovetail import pipeline, step

@step
def load() -> list[int]:
    return [1, 2, 3]

@step
def write(values: list[int]) -> Path:
    path = Path("made.txt")
    path.write_text("x" * sum(values))
    return path

@step
def measure(path: Path) -> int:
    return len(path.read_text())

@pipeline
def chain():
    measure(write(load()))

if __name__ == "__main__":
    chain.run()
"""


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def flip_and_hide(path: Path) -> None:
    """Change a byte and set all times back that a program can set back."""
    times = path.stat()
    flip(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path: Path) -> None:
    """Put another file of the same size in its place, as an editor or a copy does."""
    times, other = path.stat(), path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    flip(other)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


def link(path: Path) -> None:
    content = path.parents[3] / "elsewhere"
    path.rename(content)
    path.symlink_to(content)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = (flip, flip_and_hide, replace, Path.unlink, link, fifo, directory)


def output_of(answer: Answer, step: str) -> Any:
    """Return what the run says of the only output of a step."""
    outputs = next(each["outputs"] for each in answer.json()["steps"] if each["name"] == step)
    return next(iter(outputs.values()))


def states(answer: Answer) -> dict[str, str]:
    assert answer.code == 0, answer.err
    return {step["name"]: step["status"] for step in answer.json()["steps"]}


@pytest.fixture
def first(cli: CommandLine) -> Answer:
    cli.write("run.py", CHAIN)
    return cli("run", "run.py", "--json")


def files(cli: CommandLine, artifact: str) -> list[Path]:
    found = cli.home / "store" / "artifacts" / artifact[-2:] / artifact
    return sorted(each for each in found.rglob("*") if each.is_file())


CACHED = {"load": "cached", "write": "cached", "measure": "cached"}


@pytest.mark.timeout(300)
def test_g08_a_step_whose_cached_artifact_is_damaged_is_computed_anew(
    cli: CommandLine, first: Answer, tell: Callable[[str], None]
) -> None:
    answer, left = first, list(DAMAGES)
    while left:
        time.sleep(0.02)  # the kernel dates files by its tick
        expected = dict(CACHED)
        for step in CACHED if len(left) > 1 else ("write",):
            if left:
                artifact = files(cli, output_of(answer, step)["id"])
                left.pop()(artifact[len(left) % len(artifact)])
                expected[step] = "completed"
        before, answer = answer, cli("run", "run.py", "--json")
        assert states(answer) == expected
        assert answer.err == ""
        assert output_of(answer, "write")["digest"] == output_of(before, "write")["digest"]
    assert states(cli("run", "run.py", "--json")) == CACHED
    tell(f"G8: {len(DAMAGES)} of {len(DAMAGES)} damaged cache hits computed anew")


def test_g08_a_person_reads_which_cached_output_is_damaged_and_why(cli: CommandLine, first: Answer) -> None:
    time.sleep(0.02)
    flip(files(cli, output_of(first, "load")["id"])[-1])
    shown = cli("run", "run.py", "--in-process")
    assert "step 'load': its cached output 'output' is damaged ('value.json' is damaged" in shown.err
    assert "computed anew" in shown.err
    assert "damaged" not in cli("run", "run.py", "--in-process").err


def test_g08_the_artifacts_of_a_copied_store_are_hits_while_they_are_whole(
    cli: CommandLine, first: Answer, tmp_path: Path
) -> None:
    time.sleep(0.02)
    shutil.copytree(cli.home, tmp_path / "copy")
    cli = CommandLine(cli.directory, tmp_path / "copy")
    assert states(cli("run", "run.py", "--json")) == CACHED
    flip(files(cli, output_of(first, "measure")["id"])[-1])
    assert states(cli("run", "run.py", "--json")) == {**CACHED, "measure": "completed"}

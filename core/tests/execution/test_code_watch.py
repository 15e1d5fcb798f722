"""The files of a step's code are watched: what they became during a run is not cached as what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.execution.code_watch import CodeWatch
from dovetail.execution.progress import Progress
from dovetail.records.plan import Plan, SourceRef, StepPlan
from dovetail.testing.command_line import CommandLine


class Notes(Progress):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def note(self, text: str) -> None:
        self.kept.append(text)


def step(name: str, digest: str, *parts: str, path: str | None = "code_watch_run.py") -> StepPlan:
    return StepPlan(
        name=name,
        source=SourceRef(
            module="code_watch_run", qualname=name, path=path, digest=digest, parts=dict.fromkeys(parts, "x")
        ),
    )


USES = step("uses", "d1", "code_watch_run:uses", "code_watch_part.helper:f", "code_watch_whole")
AGAIN = step("again", "d1", *USES.source.parts)
OTHER = step("other", "d2", "code_watch_run:other")
CELL = step("cell", "d3", "__main__:cell", path=None)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def watch(tmp_path: Path, notes: Notes) -> CodeWatch:
    (tmp_path / "code_watch_part").mkdir()
    for file in ("code_watch_run.py", "code_watch_part/helper.py", "code_watch_whole.py"):
        (tmp_path / file).write_text("1\n")
    plan = Plan(format=1, pipeline="p", steps=(USES, AGAIN, OTHER, CELL))
    return CodeWatch(plan, tmp_path, notes)


def test_a_step_keeps_its_key_while_its_files_stay(watch: CodeWatch, notes: Notes) -> None:
    assert [watch.key(each, "k") for each in (USES, AGAIN, OTHER, CELL)] == ["k"] * 4
    assert not notes.kept


@pytest.mark.parametrize("file", ["code_watch_part/helper.py", "code_watch_whole.py"])
def test_a_step_loses_its_key_when_a_file_it_reaches_changes_or_goes(
    watch: CodeWatch, notes: Notes, tmp_path: Path, file: str
) -> None:
    (tmp_path / file).write_text("1000\n")
    assert [watch.key(each, "k") for each in (USES, AGAIN, OTHER, CELL)] == ["", "", "k", "k"]
    (tmp_path / file).unlink()
    assert watch.key(USES, "k") == ""
    assert notes.kept == [
        "step 'uses': its code has changed while the run went on, so its result is no hit for later runs"
    ]


def test_the_step_s_own_file_is_watched_and_a_step_without_a_key_needs_no_note(
    watch: CodeWatch, notes: Notes, tmp_path: Path
) -> None:
    (tmp_path / "code_watch_run.py").unlink()
    assert watch.key(OTHER, "") == ""
    assert not notes.kept
    assert [watch.key(each, "k") for each in (OTHER, CELL)] == ["", "k"]


EDITED = """
import sys
from pathlib import Path
from dovetail import pipeline, step

@step(enable_cache=False)
def slow() -> int:
    if Path("edit").exists():
        Path("edit").unlink()
        Path("helper.py").write_text("def f(n):\\n    return n + 1000\\n")
    return 1

@step
def lazy(n: int) -> int:
    from helper import f
    return f(n)

@pipeline
def late():
    lazy(slow())

if __name__ == "__main__":
    run = late.run(in_process=len(sys.argv) > 1)
    print("lazy", run.step("lazy").record.status.value, run.step("lazy").output.load())
"""
HELPER = "def f(n):\n    return n + 1\n"


@pytest.mark.parametrize("mode", [[], ["in process"]])
def test_what_an_edited_file_gave_is_no_hit_for_the_code_before(cli: CommandLine, mode: list[str]) -> None:
    cli.write("run.py", EDITED)
    cli.write("helper.py", HELPER)
    cli.write("edit", "")
    first = cli.python("run.py", *mode)
    assert "lazy completed 1001" in first.out
    assert "step 'lazy': its code has changed while the run went on" in first.out + first.err
    cli.write("helper.py", HELPER)
    second = cli.python("run.py", *mode)
    assert "lazy completed 2" in second.out
    assert "has changed while" not in second.out + second.err
    assert "lazy cached 2" in cli.python("run.py", *mode).out

"""G8: keys are equal across processes, hash seeds and machines; what they do not see is documented."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from dovetail.testing.command_line import CommandLine

DOCS = Path(__file__).parents[2] / "docs" / "caching.md"
SETS = """
    from dataclasses import dataclass
    from dovetail import pipeline, step
    from tools import LETTERS, pick

    WORDS = {"one", "two", "three", "four", "five"}

    @dataclass(frozen=True)
    class Options:
        names: frozenset[str] = frozenset({"a", "b", "c"})

    def make(held):
        @step
        def counted(options: Options, among: set[str], sizes: dict[int, str]) -> int:
            return len(held) + len(among) + len(LETTERS) + len(WORDS)
        return counted

    count = make({"x", "y", frozenset({"p", "q"}), 1, (2, 3)})

    @step
    def picked(number: int) -> str:
        return pick(number)

    @pipeline
    def sets():
        picked(count(Options(), {"u", "v", "w"}, {2: "b", 1: "a"}))

    if __name__ == "__main__":
        sets.run()
"""
TOOLS = "LETTERS = {'k', 'l', 'm'}\ndef pick(number):\n    return sorted(LETTERS)[0]\n"


ALL_CACHED = {"counted": "cached", "picked": "cached"}
STATUSES = """
import json
from dovetail.client import Client
runs = Client().runs()
print(json.dumps([{name: step.status for name, step in run.steps.items()} for run in runs]))
"""


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A project whose keys are made of sets, after its first run."""
    cli.write("run.py", dedent(SETS))
    cli.write("tools.py", TOOLS)
    answer = cli("run", "run.py", "--quiet")
    assert answer.code == 0, answer.err
    return cli


def test_g08_a_key_is_equal_under_8_hash_seeds(project: CommandLine, tell: Callable[[str], None]) -> None:
    hits = 0
    for seed in range(8):
        answer = project("run", "run.py", "--json", env={"PYTHONHASHSEED": str(seed)})
        assert answer.code == 0, answer.err
        assert {each["name"]: each["status"] for each in answer.json()["steps"]} == ALL_CACHED
        hits += 1
    tell(f"8 hash seeds, {hits} hits")


def test_g08_a_key_is_equal_in_another_clone_from_another_directory_and_by_every_way_to_run(
    project: CommandLine, tmp_path: Path
) -> None:
    clone = tmp_path / "elsewhere" / "a clone"
    shutil.copytree(project.directory, clone)
    there = CommandLine(clone, project.home)
    outside = CommandLine(tmp_path, project.home)
    ways = [
        there("run", "run.py", "--quiet", "--name", "renamed"),
        there("run", "run.py", "--quiet", "--in-process"),
        there.python("run.py"),
        there.python("-m", "run"),
        outside("run", "elsewhere/a clone/run.py", "--quiet"),
        outside.python(str(project.directory / "run.py")),
    ]
    for answer in ways:
        assert answer.code == 0, answer.err
    statuses = project.python("-c", STATUSES).json()
    assert statuses[: len(ways)] == [ALL_CACHED] * len(ways)
    assert len(statuses) == len(ways) + 1


# What is not seen, in the words of the page, and the step whose result changes with it.
UNSEEN = {
    "versions and code of libraries": "of_library",
    "files, databases and services that the step reads by itself": "of_file",
    "the clock, random numbers": "of_clock",
    "environment variables that it does not declare": "of_variable",
    "what a module computes of such things when it is imported": "of_import",
    "names made at run time": "of_name",
    "what another module does to a value": "of_table",
    "a function of the module changes under a name of its own": "of_own_name",
    "a class that no annotation names": "of_class",
    "modules without a `.py` file": "of_compiled",
}
PROGRAM = """
    import importlib, os, pathlib, sys, time
    sys.path.append(str(pathlib.Path(__file__).parent / "site-packages"))
    import built, changes, fills, library, table
    from dovetail import pipeline, step
    from shapes import Shape, square

    AMOUNT = int(os.environ.get("AMOUNT", "1"))

    @step
    def of_library() -> int:
        return library.answer()

    @step
    def of_file() -> str:
        return pathlib.Path(__file__).with_name("data.txt").read_text()

    @step
    def of_clock() -> int:
        return time.time_ns()

    @step
    def of_variable() -> str:
        return os.environ.get("AMOUNT", "1")

    @step
    def of_import() -> int:
        return AMOUNT

    @step
    def of_name() -> int:
        return importlib.import_module("la" + "te").answer()

    @step
    def of_table() -> int:
        return table.CONTENT[0]

    @step
    def of_own_name() -> int:
        return fills.TABLE["amount"]

    @step(materializers="pickle")
    def shape() -> Shape:
        return square()

    @step
    def of_class(shape: Shape) -> int:
        return shape.area()

    @step
    def of_compiled() -> int:
        return built.answer()

    @pipeline
    def unseen():
        for each in (of_library, of_file, of_clock, of_variable, of_import, of_name, of_table, of_compiled):
            each()
        of_own_name()
        of_class(shape())

    if __name__ == "__main__":
        unseen.run()
"""
FILLS = """
TABLE = {{}}
def fill():
    own = TABLE
    own["amount"] = {number}
fill()
"""
SHAPES = """
class Shape:
    def area(self): return 0
def square():
    from squares import Square
    return Square()
"""
BUILD = """
import pathlib, py_compile, sys
pathlib.Path("source.txt").write_text(f"def answer(): return {sys.argv[1]}")
py_compile.compile("source.txt", "built.pyc")
"""
VALUES = """
import json, sys
from dovetail.client import Client
run = Client().run(sys.argv[1])
print(json.dumps({name: step.output.load() for name, step in run.steps.items() if name.startswith("of_")}))
"""


def write(cli: CommandLine, number: int) -> None:
    """Write what is around the program, which stays."""
    cli.write("run.py", dedent(PROGRAM))
    cli.write("data.txt", str(number))
    cli.write("site-packages/library.py", f"__version__ = '{number}'\ndef answer(): return {number}\n")
    cli.write("late.py", f"def answer(): return {number}\n")
    cli.write("fills.py", FILLS.format(number=number))
    cli.write("table.py", "CONTENT = [0]\n")
    cli.write("changes.py", f"import table\ntable.CONTENT[0] = {number}\n")
    cli.write(
        "squares.py", f"from shapes import Shape\nclass Square(Shape):\n    def area(self): return {number}\n"
    )
    cli.write("shapes.py", SHAPES)
    assert cli.python("-c", BUILD, str(number)).code == 0


def test_g08_what_the_key_does_not_see_is_documented(cli: CommandLine, tell: Callable[[str], None]) -> None:
    listed = DOCS.read_text().partition("## What the key does not see")[2].partition("\n## ")[0]
    items = [" ".join(each.split()) for each in re.findall(r"^- (.*(?:\n  .*)*)", listed, re.MULTILINE)]
    values = []
    for number, name, options in ((1, "one", ()), (2, "two", ()), (2, "three", ("--no-cache",))):
        write(cli, number)
        variables = {"AMOUNT": str(number), "PYTHONDONTWRITEBYTECODE": "1"}
        answer = cli("run", "run.py", "--quiet", "--name", name, *options, env=variables)
        assert answer.code == 0, answer.err
        values.append(cli.python("-c", VALUES, name, env={"PYTHONPATH": str(cli.directory)}).json())
    tell(f"{len(items)} kinds of things that the key does not see")
    assert values[0] == values[1]
    assert {name for name in values[0] if values[0][name] != values[2][name]} == set(UNSEEN.values())
    assert [what for what in UNSEEN if not any(what in each for each in items)] == []
    assert len(items) == len(UNSEEN)

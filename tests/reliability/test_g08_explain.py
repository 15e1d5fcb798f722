"""G8: `run explain` names what differs, with file and line, and says where that is no longer what ran."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from dovetail.testing.command_line import CommandLine

HELPERS = """
    SIZE = 3


    def scale(value: int) -> int:
        return value * SIZE


    def aside(value: int) -> int:
        return value
"""
RUN = """
    from helpers import scale
    from dovetail import pipeline, step

    FACTOR = 2


    @step
    def load(count: int = 3) -> list[int]:
        return list(range(count))


    @step
    def total(values: list[int], start: int = 0) -> int:
        return start + sum(scale(value) * FACTOR for value in values)


    @pipeline
    def adding():
        total(load())


    if __name__ == "__main__":
        adding.run()
"""


class Project:
    """The two files, edited and run again and again."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        self.files = {"helpers.py": dedent(HELPERS).lstrip(), "run.py": dedent(RUN).lstrip()}
        self.edit()

    def edit(self, *edits: tuple[str, str, str]) -> None:
        for file, old, new in edits:
            assert self.files[file].count(old) == 1
            self.files[file] = self.files[file].replace(old, new)
        for name, text in self.files.items():
            self.cli.write(name, text)

    def run(self, name: str, *options: str) -> None:
        answer = self.cli("run", "run.py", "--quiet", "--name", name, *options)
        assert answer.code == 0, answer.err

    def explain(self, *arguments: str) -> list[str]:
        answer = self.cli("run", "explain", *arguments)
        assert answer.code == 0, answer.err
        return answer.out.splitlines()

    def changed(self, *arguments: str) -> dict[str, Any]:
        document = self.cli("run", "explain", *arguments, "--json").json()
        return {f"{each['kind']} {each['name']}": each for each in document["changed"]}


@pytest.fixture
def project(cli: CommandLine) -> Project:
    """The project after its first run."""
    made = Project(cli)
    made.run("first")
    return made


def test_g08_explain_names_file_and_line_of_each_changed_function_and_constant(project: Project) -> None:
    project.edit(
        ("helpers.py", "value * SIZE", "value * SIZE + 1"),
        ("run.py", "FACTOR = 2", "# more\nFACTOR = 3"),
    )
    project.run("second")
    said = [
        "second total: completed",
        "  differs from run first in:",
        "  code helpers:scale: changed (helpers.py:4)",
        "  code run:FACTOR: changed (run.py:5)",
    ]
    away = CommandLine(project.cli.home, project.cli.home)
    assert away("run", "explain", "second", "total").out.splitlines() == said
    found = project.changed("second", "total")["code helpers:scale"]
    assert (found["file"], found["line"], found["as_recorded"]) == ("helpers.py", 4, True)
    # The code goes on; what ran is no longer there.
    project.edit(("helpers.py", "value * SIZE + 1", "value"), ("run.py", "FACTOR = 3\n", ""))
    assert project.explain("second", "total")[2:] == [
        "  code helpers:scale: changed (helpers.py:4 as it is now)",
        "  code run:FACTOR: changed (no longer in run.py)",
    ]


def test_g08_explain_tells_new_and_gone_parts_parameters_and_environment(project: Project) -> None:
    project.edit(
        ("run.py", "import scale", "import aside"),
        ("run.py", "sum(scale(", "sum(aside("),
        ("run.py", "start: int = 0", "start: int = 5"),
        ("run.py", "@step\ndef total", '@step(environment={"variables": {"A": "1"}})\ndef total'),
    )
    project.run("second")
    assert project.explain("second", "total")[2:] == [
        "  code helpers:SIZE: gone (helpers.py:1), not used any more",
        "  code helpers:aside: new (helpers.py:8)",
        "  code helpers:scale: gone (helpers.py:4), not used any more",
        "  code run:aside: new (run.py:1)",
        "  code run:scale: gone (no longer in run.py)",
        "  code run:total: changed (run.py:13)",
        "  parameter start: 0 -> 5",
        "  environment variables: new",
    ]


def test_g08_explain_follows_an_input_to_the_step_that_made_it(project: Project) -> None:
    project.edit(("run.py", "range(count)", "range(count + 1)"))
    project.run("second")
    assert project.explain("second", "total")[2:] == [
        "  input values: changed, since step 'load' was computed anew:",
        "    code run:load: changed (run.py:8)",
    ]
    because = project.changed("second", "total")["input values"]["because"]
    assert [(each["name"], each["line"]) for each in because] == [("run:load", 8)]
    project.edit(("run.py", "range(count + 1)", "range(count)"))
    project.run("third", "--param", "total.start=1")
    assert project.explain("third", "total", "--against", "second")[2:] == [
        "  parameter start: 0 -> 1",
        "  input values: changed, since step 'load' was taken from run first:",
        "    code run:load: changed (run.py:8)",
    ]


def test_g08_explain_says_when_an_input_differs_though_its_step_did_not_change(cli: CommandLine) -> None:
    project = Project(cli)
    project.edit(
        ("run.py", "from dovetail", "import time\nfrom dovetail"),
        ("run.py", "range(count)", "[time.time_ns()]"),
        ("run.py", "@step\ndef load", "@step(enable_cache=False)\ndef load"),
    )
    project.run("first")
    project.run("second")
    said = "  input values: changed, since step 'load' was computed anew, from an equal key"
    assert project.explain("second", "total")[2:] == [f"{said}: what it gives is not always the same"]

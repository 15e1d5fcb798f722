"""G10: what is written wrongly is a message, to the command and to a script, and nothing runs."""

from __future__ import annotations

import pytest

from dovetail.testing.command_line import CommandLine, assert_message
from dovetail.testing.site import Site
from dovetail.yamlio import read_yaml, write_yaml

RUN = """
from dovetail import pipeline, step

@step
def first(size: int = 1) -> int:
    return size

@step
def second(value: int) -> int:
    return value

@pipeline
def computing():
    second(first())

if __name__ == "__main__":
    computing.run()
"""


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A project with a pipeline of two steps."""
    cli.write("run.py", RUN)
    return cli


def _nothing_has_run(cli: CommandLine) -> None:
    assert cli("run", "list", "--json").json() == []


def test_g10_bad_yaml_is_told_with_line_and_column(project: CommandLine) -> None:
    project.write("bad.yaml", "steps:\n  first: [1, 2\n")
    assert_message(project("run", "run.py", "--config", "bad.yaml"), 4, "bad.yaml:", "no YAML")
    project.write("unknown.yaml", "steps:\n  frist: {parameters: {size: 2}}\n")
    assert_message(
        project("run", "run.py", "--config", "unknown.yaml"), 3, "'frist'", "did you mean 'first'?"
    )
    _nothing_has_run(project)


def test_g10_a_bad_name_is_told_with_file_and_line(project: CommandLine) -> None:
    path = project.write("named.py", RUN.replace("@step\ndef first", '@step(name="no/name")\ndef first'))
    assert_message(project("run", "named.py"), 4, f"{path}:4", "'no/name' cannot name a step")
    answer = project.python("named.py")
    assert_message(answer, 4, f"{path}:4", "'no/name' cannot name a step")
    assert "Traceback" in project.python("named.py", env={"DOVETAIL_DEBUG": "1"}).err
    _nothing_has_run(project)


def test_g10_a_cyclic_graph_is_told_with_its_steps(project: CommandLine) -> None:
    assert project("pipeline", "compile", "run.py", "-o", "plan.yaml").code == 0
    plan = project.directory / "plan.yaml"
    document = read_yaml(plan.read_bytes(), "plan.yaml")
    first, second = document["steps"]
    first["inputs"] = {"size": {"step": second["name"], "output": "output"}}
    first.pop("parameters", None)
    plan.write_text(write_yaml(document), encoding="utf-8")
    assert_message(project("run", "plan.yaml"), 4, "plan.yaml", "first", "second")
    _nothing_has_run(project)


def test_g10_an_unknown_flavor_is_told_with_those_that_are_known(project: CommandLine) -> None:
    answer = project("artifact-store", "register", "far", "--flavor", "lokal")
    assert_message(answer, 7, "'lokal'", "did you mean", "local")
    assert "far" not in project("artifact-store", "list").out


@pytest.mark.parametrize("source", ["raise ValueError('broken on purpose')", "import os; os._exit(3)"])
def test_g10_a_broken_plugin_is_told_when_it_is_asked_for_and_harms_nothing_else(
    project: CommandLine, site: Site, source: str
) -> None:
    site.wheel("dovetail-hurt", source)
    assert project("run", "run.py", "-q").code == 0
    (found,) = [each for each in project("integration", "list", "--json").json() if each["name"] == "hurt"]
    assert found["state"] == "broken"
    assert_message(project("artifact-store", "register", "x", "--flavor", "hurt/shelf"), 7, "hurt")

"""Pipelines whose steps need what excludes each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.testing.command_line import CommandLine

pytestmark = pytest.mark.real

SCRIPT = """
from dovetail import Environment, pipeline, step

@step(step_operator="isolated", environment=Environment(requirements=["numpy==1.26.4"]))
def old() -> str:
    import numpy
    return numpy.__version__

@step(step_operator="isolated", environment=Environment(requirements=["numpy==2.0.2"]))
def new(before: str) -> list[str]:
    import numpy
    return [before, numpy.__version__]

@step
def tell(both: list[str]) -> None:
    print("versions", *both)

@pipeline
def versions():
    tell(new(old()))

if __name__ == "__main__":
    versions.run()
"""

SECRETIVE = """
from dovetail import Environment, Secret, pipeline, step

@step(step_operator="isolated", environment=Environment(requirements=[]))
def count(password: Secret) -> int:
    return len(password.reveal())

@step
def tell(letters: int) -> None:
    print("letters:", letters)

@pipeline
def secretive():
    tell(count(password=Secret.of("db", "password")))

if __name__ == "__main__":
    secretive.run()
"""


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    project = tmp_path / "project"
    project.mkdir()
    cli = CommandLine(project, tmp_path / "home")
    for words in (
        "init --bare",
        "step-operator register isolated --flavor uv",
        "stack register separate -o local -a local -s isolated",
        "stack set separate",
    ):
        answer = cli(*words.split())
        assert answer.code == 0, answer.err
    return cli


def test_two_steps_of_one_pipeline_use_versions_that_exclude_each_other(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    answer = cli("run", "run.py", timeout=600)
    assert answer.code == 0, answer.err
    assert "versions 1.26.4 2.0.2" in answer.err
    assert "making an environment: numpy==1.26.4" in answer.err
    again = cli("run", "run.py", "--no-cache", timeout=600)
    assert again.code == 0, again.err
    assert "making an environment" not in again.err


def test_an_environment_whose_python_is_gone_is_made_anew(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT)
    assert cli("run", "run.py", timeout=600).code == 0
    pythons = list(cli.directory.glob(".dovetail/**/uv_environments/*/bin/python"))
    assert len(pythons) == 2
    for each in pythons:
        each.unlink()
        each.symlink_to("/no/such/python")
    again = cli("run", "run.py", "--no-cache", timeout=600)
    assert again.code == 0, again.err
    assert again.err.count("making an environment") == 2


def test_requirements_that_cannot_be_had_fail_the_step_with_the_reason(cli: CommandLine) -> None:
    cli.write("run.py", SCRIPT.replace('"numpy==1.26.4"', '"numpy==1.26.4", "numpy==2.0.2"'))
    answer = cli("run", "run.py", "--quiet", timeout=600)
    assert answer.code == 1
    first, *_ = answer.err.splitlines()
    assert first.startswith(
        "error: step 'old' failed: the environment of the step cannot be made: No solution"
    )
    assert "numpy==2.0.2" in first
    assert "unsatisfiable" in first
    assert "Traceback" not in answer.err


def test_a_step_reveals_a_sealed_secret_in_its_environment(cli: CommandLine) -> None:
    cli.write("run.py", SECRETIVE)
    words = ("secret", "register", "db", "--from-env", "password=DB_PASSWORD")
    registered = cli(*words, env={"DB_PASSWORD": "not-for-eyes"})
    assert registered.code == 0, registered.err
    answer = cli("run", "run.py", timeout=600)
    assert answer.code == 0, answer.err
    assert "not-for-eyes" not in answer.out + answer.err
    assert "letters: 12" in answer.err

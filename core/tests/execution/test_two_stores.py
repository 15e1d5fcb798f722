"""Two stacks with artifact stores of their own on one metadata store: neither is in the other's way."""

from __future__ import annotations

import pytest

from dovetail.testing.command_line import CommandLine

PIPELINE = """
from dovetail import pipeline, step

@step
def load() -> list[int]:
    return [1, 2, 3]

@step
def total(values: list[int]) -> int:
    print("summing")
    return sum(values)

@pipeline
def summing():
    total(load())
"""


@pytest.fixture
def two(cli: CommandLine) -> CommandLine:
    """A workspace with the stacks `default` and `beside`, which differ in the artifact store."""
    cli.write("run.py", PIPELINE)
    assert cli("artifact-store", "register", "beside", "-f", "local", "--path", str(cli.home / "b")).code == 0
    assert cli("stack", "register", "beside", "-o", "local", "-m", "sqlite", "-a", "beside").code == 0
    return cli


def ran(cli: CommandLine, stack: str) -> list[str]:
    answer = cli("run", "run.py", "--stack", stack)
    assert answer.code == 0, answer.err
    assert "damaged" not in answer.err
    document = cli("run", "show", "last", "--json").json()
    return [each["status"] for each in document["steps"]]


def test_each_has_a_cache_of_its_own_and_keeps_it(two: CommandLine) -> None:
    assert [ran(two, stack) for stack in ("default", "beside", "default", "beside")] == [
        ["completed", "completed"],
        ["completed", "completed"],
        ["cached", "cached"],
        ["cached", "cached"],
    ]


def test_what_the_other_has_is_read_and_verified_where_it_lies(two: CommandLine) -> None:
    ran(two, "beside")
    ran(two, "default")
    assert two("artifact", "verify", "--all").code == 0
    beside = next(each for each in two("run", "list", "--json").json() if each["stack"] == "beside")
    assert "summing" in two("run", "logs", beside["id"], "total").out
    program = f"""from dovetail import Client
print(Client().run({beside["id"]!r}).step("total").outputs["output"].load())"""
    assert two.python("-c", program).out.strip() == "6"


def test_the_explanation_says_that_it_lies_elsewhere(two: CommandLine) -> None:
    ran(two, "beside")
    ran(two, "default")
    assert "lies in another artifact store" in two("run", "explain", "last", "total").out

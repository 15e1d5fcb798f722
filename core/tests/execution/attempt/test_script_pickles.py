"""Pickled values of a script's own classes, between runs in processes and in process."""

from __future__ import annotations

import itertools

import pytest

from dovetail.testing.command_line import CommandLine

CLEAN = """
from dovetail import pipeline, step

class Model:
    def __init__(self, k):
        self.k = k

@step(materializers="pickle")
def fit() -> Model:
    return Model(3)

@step
def use(model: Model, k: int = 1) -> int:
    assert type(model) is Model
    return model.k * k

@pipeline
def clean():
    use(fit())

if __name__ == "__main__":
    run = clean.run()
"""
VALUES = """
import sys
from dataclasses import dataclass
from typing import Any
from dovetail import pipeline, step

@dataclass
class Model:
    k: int

@step
def fit() -> Any:
    return Model(3)

@step
def fit_other() -> Any:
    from values import Model
    return Model(4)

@step
def use(model: Any, other: Any, k: int = 1) -> int:
    assert type(model) is type(other) is Model
    return model.k * k

@pipeline
def values_again():
    use(fit(), fit_other())

if __name__ == "__main__":
    import values
    assert values.Model is not Model
    values_again.run(in_process="-i" in sys.argv, name=sys.argv[1], enable_cache=False)
"""
ORDERS = [*itertools.product([(), ("--in-process",)], repeat=2)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", [(), ("-i",)])
def test_a_value_of_a_class_of_a_script_that_imports_itself_is_one_of_the_running_script(
    cli: CommandLine, mode: tuple[str, ...]
) -> None:
    cli.write("values.py", VALUES)
    answer = cli.python("values.py", "first", *mode)
    assert answer.code == 0, answer.err


@pytest.mark.timeout(240)
def test_a_script_with_dots_in_its_name_pickles_its_own_classes(cli: CommandLine) -> None:
    cli.write("my.own.run.py", CLEAN)
    for mode in [(), ("--in-process",), ()]:
        answer = cli("run", "my.own.run.py", *mode, "--no-cache")
        assert answer.code == 0, answer.err
    answer = cli("run", "replay", "last", "use")
    assert answer.code == 0, answer.err


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_a_pickle_of_a_scripts_class_is_used_in_both_modes(
    cli: CommandLine, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    cli.write("clean.py", CLEAN)
    stored = cli("run", "clean.py", *first)
    assert stored.code == 0, stored.err
    used = cli("run", "clean.py", *second, "--param", "use.k=2")
    assert used.code == 0, used.err
    assert "cached" in used.out + used.err

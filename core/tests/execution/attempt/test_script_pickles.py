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
ORDERS = [*itertools.product([(), ("--in-process",)], repeat=2)]


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

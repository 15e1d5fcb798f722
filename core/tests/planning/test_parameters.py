"""Parameters that do not fit: whose they are, who gave them, and what would fit."""

from __future__ import annotations

import pytest

from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import step
from dovetail.errors import PlanError
from dovetail.planning.parameter_values import CommandLineText, Text
from dovetail.planning.parameters import Parameters
from dovetail.records.config import BaseStepConfig


class Config(BaseStepConfig):
    rate: float = 0.5


@step
def train(config: Config, rows: int = 3) -> float:
    return config.rate * rows


def training() -> None:
    train(config=Config())


@pytest.mark.parametrize(
    ("key", "name", "hint"),
    [
        ("rows", "rows", "rows is an int: --param train.rows=3"),
        ("rate", "rate", "rate is a float: --param train.rate=0.5"),
        ("config.rate", "rate", "rate is a float: --param train.rate=0.5"),
    ],
)
def test_a_wrong_text_of_the_command_line_is_told_with_what_to_type(key: str, name: str, hint: str) -> None:
    (node,) = PipelineDefinition(training).compose().nodes
    with pytest.raises(PlanError) as raised:
        Parameters({"train": {key: CommandLineText("abc")}}).of(node, {})
    said = f"parameter {name!r} of step 'train', given by --param, is 'abc', not "
    assert raised.value.message.startswith(said)
    assert raised.value.hint == hint


def test_a_wrong_text_from_code_is_told_by_the_field_alone() -> None:
    (node,) = PipelineDefinition(training).compose().nodes
    with pytest.raises(PlanError) as raised:
        Parameters({"train": {"rate": Text("abc")}}).of(node, {})
    assert raised.value.message.startswith("parameter 'rate' of step 'train' is 'abc', not float")
    assert raised.value.hint == "write it like 0.5"

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dovetail.definition.hierarchy import BaseEvaluatorStep, BaseTrainerStep
from dovetail.definition.placeholder import placeholder
from dovetail.definition.step import (
    BaseStep,
    StepDefinition,
    StepInstance,
    definition_of,
    instance_of,
    step,
)
from dovetail.errors import DefinitionError, IllegalNameError


class Config:
    dovetail_step_config = True


@step
def train(data: float, epochs: int = 3) -> float:
    """Train."""
    return data * epochs


def test_a_step_is_still_its_function_to_a_unit_test() -> None:
    assert train.entrypoint(2.0) == 6.0
    assert (train.name, train.__doc__, train.__name__) == ("train", "Train.", "train")
    assert train.where == f"{__file__}:{train.source.__code__.co_firstlineno}"


def test_a_call_outside_of_a_pipeline_binds_arguments() -> None:
    bound = train(1.0, epochs=2)
    assert isinstance(bound, StepInstance)
    assert bound.bound == {"data": 1.0, "epochs": 2}
    assert train.configure(epochs=5).bound == {"epochs": 5}


def test_changes_return_new_objects() -> None:
    other = train.with_options(name="other", settings={"a": 1})
    third = other.with_options(settings={"b": 2}).configure(epochs=1)
    assert (train.options.name, other.options.name, other.bound) == (None, "other", {})
    assert (dict(other.options.settings), dict(third.options.settings)) == ({"a": 1}, {"a": 1, "b": 2})


def test_an_instance_called_outside_of_a_pipeline_says_where_it_may_be_called() -> None:
    with pytest.raises(DefinitionError, match="called outside of a pipeline") as raised:
        train.configure(data=1.0)()
    assert str(raised.value.where).startswith(__file__)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: train(epoch=3), "did you mean 'epochs'?"),  # type: ignore[call-arg]
        (lambda: train(1.0, 2, 3), "it takes data, epochs"),  # type: ignore[call-arg]
        (lambda: train(1.0, data=2.0), "pass them by name"),  # type: ignore[misc]
        (lambda: train.with_options(retries=3), "did you mean 'retry'"),  # type: ignore[call-arg]
    ],
)
def test_a_wrong_argument_or_option_gets_a_remedy(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        call()
    assert said in str(raised.value.hint)
    assert str(raised.value.where).startswith(__file__)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": True},
        {"timeout": "3"},
        {"enable_cache": "yes"},
        {"step_operator": 3},
        {"settings": []},
        {"on_failure": 3},
        {"step_operator": "a", "custom_step_operator": "b"},
    ],
)
def test_an_option_of_a_wrong_kind_is_refused(options: Any) -> None:
    with pytest.raises(DefinitionError):
        step(**options)(lambda: None)


def test_options_are_kept_as_they_are_meant() -> None:
    @step(timeout=timedelta(minutes=1), custom_step_operator="gpu", name="fit")
    def fit() -> None: ...

    assert (fit.options.timeout, fit.options.step_operator, fit.name) == (60.0, "gpu", "fit")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "CON", "x" * 101, 3])
def test_an_illegal_name_is_refused_where_it_is_given(name: Any) -> None:
    with pytest.raises(IllegalNameError) as raised:
        train.with_options(name=name)
    assert str(raised.value.where).startswith(__file__)


@pytest.mark.parametrize("what", [3, "text", train, train.configure()])
def test_what_is_no_function_or_class_cannot_be_decorated(what: Any) -> None:
    with pytest.raises(DefinitionError, match="cannot be made a step"):
        step(what)


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(IllegalNameError):
        step(lambda: None)


def test_positions_leave_the_parameter_object_out() -> None:
    @step
    def fit(config: Config, data: float) -> None: ...

    config = Config()
    assert fit(config).bound == {"config": config}  # type: ignore[call-arg, func-returns-value, attr-defined]
    both = {"config": config, "data": 1.0}
    assert fit(config, 1.0).bound == fit(1.0, config).bound == both  # type: ignore[func-returns-value, attr-defined, arg-type]


def test_a_wrapped_function_has_the_signature_of_what_it_wraps() -> None:
    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) + 1

        return wrapper

    @step
    @traced
    def add(value: int) -> int:
        return value

    assert list(add.signature.arguments) == ["value"]
    assert add.entrypoint(1) == 2


class Trainer(BaseTrainerStep, enable_cache=False):
    def train(self, data: float, epochs: int = 2) -> float:
        return data * epochs


def test_a_class_step_takes_its_signature_from_the_placeholder_it_overrides() -> None:
    made = Trainer(epochs=5)
    assert list(made.signature.arguments) == ["data", "epochs"]
    assert (made.bound, made.options.enable_cache) == ({"epochs": 5}, False)
    assert made.call({"data": 1.0, "epochs": 5}) == 5.0
    assert isinstance(made.with_options(name="x"), Trainer)
    assert definition_of(Trainer).placeholders() == []


def test_entrypoint_may_be_overridden_instead() -> None:
    class Other(BaseTrainerStep):
        def entrypoint(self, value: int) -> int:
            return value

    assert list(Other().signature.arguments) == ["value"]
    assert definition_of(Other).placeholders() == []


def test_a_layer_of_ones_own_asks_for_its_placeholders() -> None:
    class Torch(BaseTrainerStep):
        def train(self, data: float) -> float:
            return float(self.build()) * data

        @placeholder
        def build(self) -> float:
            raise NotImplementedError

    class Full(Torch):
        def build(self) -> float:
            return 2.0

    assert definition_of(Torch).placeholders() == ["Torch.build"]
    assert definition_of(Full).placeholders() == []
    assert Full().call({"data": 3.0}) == 6.0
    assert definition_of(type("Bare", (BaseEvaluatorStep,), {})).placeholders() == [
        "BaseEvaluatorStep.evaluate"
    ]


def test_what_would_not_reach_the_steps_process_is_refused() -> None:
    with pytest.raises(DefinitionError, match="defines __init__"):
        type("Kept", (BaseStep,), {"__init__": print})
    with pytest.raises(DefinitionError, match="defines options"):
        type("Kept", (BaseStep,), {"options": {}})


def test_a_plain_class_can_be_decorated() -> None:
    @step(name="fit")
    class Fit:
        def entrypoint(self, data: int) -> int:
            return data + 1

    assert isinstance(Fit, StepDefinition)
    assert instance_of(Fit).call({"data": 1}) == 2
    with pytest.raises(DefinitionError, match="has no `entrypoint`"):
        step(type("Empty", (), {}))


def test_a_plan_may_refer_to_any_form_of_a_step() -> None:
    def plain(value: int) -> int:
        return value

    assert definition_of(train) is train
    assert definition_of(train.configure(epochs=1)) is train
    assert definition_of(Trainer) is Trainer.dovetail_definition
    assert instance_of(plain).call({"value": 3}) == 3


def test_what_users_write_is_light() -> None:
    heavy = "{'pydantic', 'sqlalchemy', 'pluggy', 'click', 'asyncio', 'yaml', 'blake3'}"
    rooms = "dovetail.definition.hierarchy, dovetail.definition.pipeline"
    code = f"import sys, {rooms}; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_function_without_a_name_is_told_how_to_give_one() -> None:
    with pytest.raises(IllegalNameError, match="without a name") as caught:
        step(lambda: None)
    assert caught.value.hint == '@step(name="...")'

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from dovetail.definition.options import StepOptions
from dovetail.errors import DefinitionError
from dovetail.planning.options import compile_options
from dovetail.records.plan import Retry, StepPlan


def compiled(**options: Any) -> Any:
    said = StepOptions().changed(options, "here:1")
    return compile_options(said, enable_cache=True, where="here:1")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (3, Retry(attempts=3)),
        ({"attempts": 2, "delay": 1.5}, Retry(attempts=2, delay=1.5)),
        ({"attempts": 2, "on": OSError}, Retry(attempts=2, on=("builtins.OSError",))),
        (
            {"attempts": 2, "on": [json.JSONDecodeError, "a.B"]},
            Retry(attempts=2, on=("json.decoder.JSONDecodeError", "a.B")),
        ),
        (Retry(attempts=4), Retry(attempts=4)),
    ],
)
def test_a_retry_is_kept_however_it_is_said(said: Any, kept: Retry) -> None:
    assert compiled(retry=said).retry == kept


@pytest.mark.parametrize(
    "said", [0, -1, True, "twice", {"attempt": 2}, {"attempts": "x"}, {"attempts": 2, "delay": -1}, [3]]
)
def test_a_wrong_retry_is_refused(said: Any) -> None:
    with pytest.raises(DefinitionError, match=r"here:1: option retry") as raised:
        compiled(retry=said)
    assert raised.value.hint


def test_options_whose_engine_comes_later_are_kept() -> None:
    found = compiled(
        step_operator="gpu",
        experiment_tracker="t",
        environment={"variables": {"A": 1}},
        resources={"cpu": (1, 2)},
        on_success=json.dumps,
        on_failure="a:b",
        settings={"x": {"y": None}},
        timeout=timedelta(minutes=2),
        enable_cache=False,
    )
    assert found.resources == {"cpu": [1, 2]}
    assert (found.on_success, found.on_failure, found.timeout) == ("json:dumps", "a:b", 120.0)
    plan = StepPlan.model_validate(
        {"name": "x", "source": {"module": "m", "qualname": "q"}, "options": found}
    )
    assert StepPlan.from_json(plan.to_json()).options == found


def test_what_a_plan_cannot_hold_is_refused() -> None:
    with pytest.raises(DefinitionError, match="option resources cannot be kept in a plan"):
        compiled(resources={"cpu": object()})
    with pytest.raises(DefinitionError, match=r"on_failure=.* cannot be found again"):
        compiled(on_failure=lambda: None)


def test_what_a_step_does_not_say_about_its_cache_holds_for_the_pipeline() -> None:
    said = [StepOptions(), StepOptions(enable_cache=True), StepOptions(enable_cache=False)]
    found = [compile_options(each, enable_cache=False, where="").enable_cache for each in said]
    assert found == [False, True, False]

"""The cache key: what changes it, what does not, and that values of parameters are never taken for others."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from dovetail.execution.cache import cache_key, compare, differences, uncacheable
from dovetail.planning.parameter_values import UnfitValueError, encode
from dovetail.records.plan import (
    MaterializerRef,
    OutputPlan,
    Plan,
    Retry,
    SourceRef,
    StepInput,
    StepOptions,
    StepPlan,
)

JSON = MaterializerRef(name="builtin/json", reference="dovetail.materializers.json_value:JsonMaterializer")
STEP = StepPlan(
    name="train",
    source=SourceRef(module="run", qualname="train", path="run.py", digest="d", parts={"run:train": "p"}),
    inputs={"data": StepInput(step="load", output="output")},
    parameters={"rate": 1},
    outputs=(OutputPlan(name="output", type="int", materializer=JSON),),
    options=StepOptions(environment={"variables": {"A": "1"}}),
)
INPUTS = {"data": "blake3:a"}


def changed(**fields: Any) -> StepPlan:
    return STEP.model_copy(update=fields)


def stored(**fields: Any) -> StepPlan:
    return changed(
        outputs=(OutputPlan(name="output", type="int", materializer=JSON.model_copy(update=fields)),)
    )


def told(**fields: Any) -> StepPlan:
    return changed(options=STEP.options.model_copy(update=fields))


MISSES = {
    "code": changed(source=STEP.source.model_copy(update={"digest": "e"})),
    "a parameter's value": changed(parameters={"rate": 2}),
    "a parameter's type": changed(parameters={"rate": 1.0}),
    "a truth value": changed(parameters={"rate": True}),
    "a text": changed(parameters={"rate": "1"}),
    "a parameter's name": changed(parameters={"speed": 1}),
    "a parameter more": changed(parameters={"rate": 1, "speed": None}),
    "an output's type": changed(outputs=(OutputPlan(name="output", type="float", materializer=JSON),)),
    "an output's name": changed(outputs=(OutputPlan(name="result", type="int", materializer=JSON),)),
    "no output": changed(outputs=()),
    "a materializer": stored(name="builtin/pickle"),
    "a materializer's class": stored(reference="codec:Other"),
    "a materializer's version": stored(version=2),
    "the environment": told(environment={"variables": {"A": "2"}}),
    "the environment's type": told(environment={"variables": {"A": 1}}),
}
HITS = {
    "the name of the step": changed(name="other"),
    "which step an input is of": changed(inputs={"data": StepInput(step="other", output="x")}),
    "steps to wait for": changed(after=("load",)),
    "retries": told(retry=Retry(attempts=3)),
    "a timeout": told(timeout=3.0),
    "the experiment tracker": told(experiment_tracker="board"),
    "the step operator": told(step_operator="far"),
    "resources": told(resources={"cpu": 2}),
    "hooks": told(on_failure="hooks:tell", on_success="hooks:tell"),
    "settings": told(settings={"a": 1}),
    "the file of the code": changed(source=STEP.source.model_copy(update={"path": "src/run.py"})),
}


@pytest.mark.parametrize("what", MISSES)
def test_a_part_of_the_key_changes_it(what: str) -> None:
    assert cache_key(MISSES[what], INPUTS) != cache_key(STEP, INPUTS)


@pytest.mark.parametrize("what", HITS)
def test_what_does_not_change_the_result_is_no_part_of_the_key(what: str) -> None:
    assert cache_key(HITS[what], INPUTS) == cache_key(STEP, INPUTS)


@pytest.mark.parametrize(
    "inputs", [{"data": "blake3:b"}, {"other": "blake3:a"}, {}, {**INPUTS, "more": "blake3:a"}]
)
def test_digests_and_names_of_inputs_change_the_key(inputs: dict[str, str]) -> None:
    assert cache_key(STEP, inputs) != cache_key(STEP, INPUTS)


def test_the_python_minor_version_changes_the_key() -> None:
    assert cache_key(STEP, INPUTS, "3.11") != cache_key(STEP, INPUTS, "3.12")
    assert cache_key(STEP, INPUTS, "3.1") != cache_key(STEP, INPUTS, "3.11")


def test_no_two_of_all_these_keys_are_equal() -> None:
    keys = [cache_key(STEP, INPUTS), *(cache_key(each, INPUTS) for each in MISSES.values())]
    assert len(set(keys)) == len(keys)


def test_a_plan_that_was_written_and_read_has_the_same_keys() -> None:
    parameters = {"a": 1.0, "b": -0.0, "c": 10**30, "d": "e\u0301", "e": [1, True, None, {"1": 0.1}]}
    plan = Plan(format=1, pipeline="p", steps=(changed(parameters=parameters),))
    again = Plan.from_json(plan.to_json()).steps[0]
    assert cache_key(again, INPUTS) == cache_key(plan.steps[0], INPUTS)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Options:
    rate: float = 0.5
    names: frozenset[str] = frozenset()


class Settings(BaseModel):
    sizes: dict[str, int] = {}
    kind: Literal["a", "b"] = "a"
    inner: tuple[int, ...] = ()


floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
zones = st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=2)), dt.timezone(dt.timedelta(hours=-3))])
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int | float | bool | str | None, st.none() | st.booleans() | st.integers() | floats | texts),
    (dict[str, int], st.dictionaries(texts, st.integers(0, 3), max_size=3)),
    (dict[int, int], st.dictionaries(st.integers(0, 3), st.integers(0, 3), max_size=3)),
    (list[float], st.lists(st.sampled_from([0.0, -0.0, 1.0, 1e300, 0.1]), max_size=3)),
    (tuple[int, ...], st.lists(st.integers(0, 2), max_size=3).map(tuple)),
    (set[str], st.sets(texts, max_size=4)),
    (frozenset[int], st.frozensets(st.integers(-3, 3), max_size=4)),
    (list[set[int]], st.lists(st.sets(st.integers(0, 5)), max_size=3)),
    (Decimal, st.decimals(-9, 9, places=1) | st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("-0")])),
    (dt.datetime, st.datetimes(timezones=zones) | st.datetimes()),
    (dt.date, st.dates()),
    (dt.timedelta, st.timedeltas(dt.timedelta(0), dt.timedelta(days=3))),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Options, st.builds(Options, floats, st.frozensets(texts, max_size=3))),
    (Settings, st.builds(Settings, sizes=st.dictionaries(texts, st.integers(0, 9), max_size=3))),
    (PurePosixPath, st.sampled_from([PurePosixPath("a"), PurePosixPath("a/b"), PurePosixPath("/a")])),
]  # fmt: skip


def spelled(value: Any) -> str:
    """Return a text that is equal for equal values of equal types, and for no others."""
    if isinstance(value, dict):
        return f"{{{sorted((spelled(key), spelled(each)) for key, each in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"set{sorted(map(spelled, value))}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[spelled(each) for each in value]}"
    if isinstance(value, Options | Settings):
        return f"{type(value).__name__}{spelled(vars(value))}"
    return repr(value)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    annotation, values = draw(st.sampled_from(TYPES))
    return annotation, draw(values), draw(values)


def key_of(annotation: Any, value: Any) -> str:
    return cache_key(changed(parameters={"value": encode(annotation, value)}), INPUTS)


@settings(max_examples=400, deadline=None)
@given(pairs())
def test_parameters_have_equal_keys_exactly_where_they_are_equal_values_of_one_type(
    pair: tuple[Any, Any, Any],
) -> None:
    annotation, one, other = pair
    assert (key_of(annotation, one) == key_of(annotation, other)) is (spelled(one) == spelled(other))
    assert key_of(annotation, copy.deepcopy(one)) == key_of(annotation, one)


@pytest.mark.parametrize("composed", ["\u00e9", "\ufb01", "\u212b"])
def test_texts_that_only_look_equal_have_other_keys(composed: str) -> None:
    decomposed = {"\u00e9": "e\u0301", "\ufb01": "fi", "\u212b": "\u00c5"}[composed]
    assert key_of(str, composed) != key_of(str, decomposed)
    assert key_of(dict[str, int], {composed: 1}) != key_of(dict[str, int], {decomposed: 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("nan")]])
def test_a_number_that_equals_nothing_is_no_parameter(value: Any) -> None:
    with pytest.raises(UnfitValueError):
        encode(type(value), value)


def test_the_order_in_which_a_mapping_was_filled_does_not_matter() -> None:
    assert key_of(dict[str, int], {"a": 1, "b": 2}) == key_of(dict[str, int], {"b": 2, "a": 1})


def test_a_step_without_a_digest_or_with_the_cache_off_has_no_key() -> None:
    parts = {"run:train": "p", "run:handle": "unhashable:it is an open file"}
    assert uncacheable(STEP) is None
    assert uncacheable(told(enable_cache=False)) == "enable_cache is off"
    source = STEP.source.model_copy(update={"parts": parts})
    assert uncacheable(changed(source=source)) == "run:handle: it is an open file"


def test_differences_name_what_was_and_what_is() -> None:
    other = changed(
        source=STEP.source.model_copy(update={"parts": {"run:other": "q"}}),
        parameters={"rate": 2},
        options=StepOptions(),
    )
    assert differences((other, {"data": "b"}, "3.12"), (STEP, {"data": "a"}, "3.11")) == [
        "code run:other: new",
        "code run:train: gone",
        "parameter rate: 1 -> 2",
        "input data: changed",
        "environment variables: gone",
        "python: 3.11 -> 3.12",
    ]
    assert compare((STEP, INPUTS, "3.11"), (STEP, INPUTS, "3.11")) == []


@pytest.mark.parametrize("what", MISSES)
def test_each_part_of_the_key_is_named_where_it_differs(what: str) -> None:
    if what == "code":  # its parts say so
        return
    assert compare((MISSES[what], INPUTS, "3"), (STEP, INPUTS, "3")) != []
    assert json.dumps(differences((MISSES[what], INPUTS, "3"), (STEP, INPUTS, "3")))

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import step
from dovetail.errors import ConfigurationError
from dovetail.materializers.registry import Registry
from dovetail.planning.compiler import compile_plan
from dovetail.planning.yaml_plan import dump_plan, load_plan
from dovetail.records.plan import Plan
from dovetail.yamlio import read_yaml, write_yaml


@step
def load(text: str = "no", rate: float = 1e-3, names: dict[str, Any] = {}) -> list[str]:  # noqa: B006
    return [text]


@step(retry={"attempts": 2, "delay": 0.5}, timeout=3, settings={"a": [1, None, {"b": True}]})
def tell(lines: list[str]) -> None: ...


@pytest.fixture
def plan() -> Plan:
    def body() -> None:
        tell(load(text="12:30", names={"1": None, "x": [1.0, "é\n"]}))
        tell.after("tell")(load())

    return compile_plan(
        PipelineDefinition(body, name="talk", settings={"on": "off"}).compose(),
        root=Path(__file__).parent,
        flavors={"orchestrator": "dovetail/local"},
        materializers=Registry(),
    )


def test_a_plan_comes_back_equal_and_is_written_the_same_again(plan: Plan) -> None:
    text = dump_plan(plan)
    again = load_plan(text)
    assert again == plan
    assert again.to_json() == plan.to_json()
    assert dump_plan(again) == text


def test_the_text_is_readable(plan: Plan) -> None:
    lines = dump_plan(plan).splitlines()
    assert lines[:3] == ["format: 1", "pipeline: talk", "steps:"]
    assert "- name: load" in lines


def edited(plan: Plan, change: Any) -> str:
    document = read_yaml(dump_plan(plan), "plan")
    change(document)
    return write_yaml(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plan: plan.update(format=2), "format 2"),
        (lambda plan: plan.pop("steps"), "this is no plan"),
        (lambda plan: plan.update(stpes=1), "stpes"),
        (lambda plan: plan["steps"][0].pop("source"), "steps.0.source"),
        (lambda plan: plan["steps"].reverse(), "not in an order"),
        (lambda plan: plan["steps"].append(plan["steps"][0]), "two steps have one name"),
        (lambda plan: plan["steps"][0].update(name="../x"), "'../x' cannot name a step"),
        (
            lambda plan: plan["steps"][1]["inputs"]["lines"].update(step="none"),
            "of 'none', which is not there",
        ),
        (
            lambda plan: plan["steps"][1]["inputs"]["lines"].update(output="b"),
            "'b' of 'load', which is not there",
        ),
        (lambda plan: plan["steps"][0]["source"].update(path="../../x.py"), "out of the source root"),
        (lambda plan: plan["steps"][0]["source"].update(path="/x.py"), "out of the source root"),
        (lambda plan: plan["steps"][1].update(after=["tell_2"]), "wait for each other"),
        (lambda plan: plan["steps"][1].update(after=["none"]), "waits for 'none'"),
    ],
)
def test_a_plan_that_was_edited_wrongly_is_refused(plan: Plan, change: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_plan(edited(plan, change), "plan.yaml")
    assert said in raised.value.message
    assert raised.value.where == "plan.yaml"


@pytest.mark.parametrize(
    "text", ["", "3", "[]", "a: 1", "steps: [\n", "format: !!python/object:x {}\nsteps: []"]
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"plan\.yaml"):
        load_plan(text, "plan.yaml")

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import ConfigurationError, NotFoundError, PlanError, UsageError
from dovetail.planning.overrides import Laid, Overrides, read_overrides

YAML = """
enable_cache: false
steps:
  train:
    parameters: {epochs: 3}
    retry: 2
settings: {note: x}
"""


def test_a_file_and_a_mapping_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(YAML)
    said = {
        "enable_cache": False,
        "steps": {"train": {"parameters": {"epochs": 3}, "retry": 2}},
        "settings": {"note": "x"},
    }
    laid = [Laid([read_overrides(each)], ["train"]) for each in (tmp_path / "run.yaml", said)]
    for each in laid:
        assert (each.enable_cache, each.settings) == (False, {"note": "x"})
        assert (each.parameters, each.options) == ({"train": {"epochs": 3}}, {"train": {"retry": 2}})


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("# nothing\n")
    assert read_overrides(str(tmp_path / "run.yaml")).parameters == {}


def test_what_comes_later_lies_on_top() -> None:
    first = read_overrides({"steps": {"a": {"parameters": {"x": 1, "y": 1}, "timeout": 1}}})
    second = Overrides.from_parameters({"a.x": 2})
    laid = Laid([first, second], ["a"])
    assert (laid.parameters, laid.options) == ({"a": {"x": 2, "y": 1}}, {"a": {"timeout": 1}})


def test_names_of_steps_may_hold_dots() -> None:
    laid = Laid([Overrides.from_parameters({"a.b.x": 1, "a.x": 2, "a.config.x": 3})], ["a", "a.b"])
    assert laid.parameters == {"a.b": {"x": 1}, "a": {"x": 2, "config.x": 3}}


@pytest.mark.parametrize(
    ("document", "said", "hint"),
    [
        ({"step": {}}, "has no key 'step'", "did you mean 'steps'?"),
        ({"steps": []}, "", ""),
        ({"steps": {"a": {"parameter": {}}}}, "steps.a has no key 'parameter'", "did you mean 'parameters'?"),
        ({"steps": {"a": 3}}, "steps.a is 3, not a mapping", "name: value"),
        ({"steps": {"a": {"timeout": -1}}}, "timeout=-1 is no duration", "seconds"),
        ({"steps": {1: {}}}, "the key 1 of steps is no text", "quote it"),
        ({"enable_cache": "yes"}, "enable_cache is 'yes'", "true or false"),
        ({"settings": [1]}, "settings is [1], not a mapping", ""),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_place(document: Any, said: str, hint: str) -> None:
    if not said:
        assert read_overrides(document).parameters == {}
        return
    with pytest.raises(ConfigurationError) as raised:
        read_overrides(document)
    assert said in raised.value.message
    assert hint in str(raised.value.hint)
    assert raised.value.where == "configuration"


def test_a_file_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.yaml"):
        read_overrides(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("steps: [\n")
    with pytest.raises(ConfigurationError, match=r"bad\.yaml:\d+:\d+"):
        read_overrides(tmp_path / "bad.yaml")


def test_an_unknown_step_is_refused_with_what_was_meant() -> None:
    for said in (Overrides.from_parameters({"trian.epochs": 1}), read_overrides({"steps": {"trian": {}}})):
        with pytest.raises(PlanError, match="no step 'trian'") as raised:
            Laid([said], ["train", "load"])
        assert raised.value.hint == "did you mean 'train'?"


@pytest.mark.parametrize("key", ["epochs", ".epochs", "train.", ""])
def test_a_key_without_step_or_name_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match=r"STEP\.NAME"):
        Overrides.from_parameters({key: 1})

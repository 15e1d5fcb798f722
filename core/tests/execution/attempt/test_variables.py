"""Variables that name a secret get its value where the step runs, and are plain text nowhere."""

from __future__ import annotations

import os

import pytest

from dovetail.errors import ConfigurationError
from dovetail.execution.attempt.variables import plain_variables, variables_set
from dovetail.records.plan import SourceRef, StepOptions, StepPlan
from dovetail.secrets import SecretReference

VARIABLES = {"PLAIN": "text", "NUMBER": 3, "URL": "https://me:{{ secret.db.password }}@host"}


def declaring(variables: dict[str, object]) -> StepPlan:
    source = SourceRef(module="m", qualname="q", path=None, digest="d")
    options = StepOptions(environment={"variables": variables})
    return StepPlan(name="s", source=source, options=options)


def value_of(reference: SecretReference) -> str:
    return f"value of {reference.name}.{reference.key}"


def test_only_what_names_no_secret_is_handed_on() -> None:
    assert plain_variables(declaring(VARIABLES)) == {"PLAIN": "text", "NUMBER": "3"}


def test_all_are_set_within_the_block_and_put_back_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIN", "before")
    monkeypatch.delenv("URL", raising=False)
    with variables_set(declaring(VARIABLES), value_of):
        assert os.environ["URL"] == "https://me:value of db.password@host"
        assert os.environ["PLAIN"] == "text"
        os.environ.pop("NUMBER")
    assert os.environ["PLAIN"] == "before"
    assert not {"URL", "NUMBER"} & os.environ.keys()


def test_what_only_looks_like_a_reference_is_refused_and_nothing_set() -> None:
    step = declaring({"PLAIN": "text", "WRONG": "{{ secret.db }}"})
    assert plain_variables(step) == {"PLAIN": "text"}
    with pytest.raises(ConfigurationError, match="no reference"), variables_set(step, value_of):
        pass
    assert "PLAIN" not in os.environ

from __future__ import annotations

from typing import Any

import pytest

from dovetail.definition.environment import Environment, environment_of
from dovetail.errors import DefinitionError


@pytest.mark.parametrize(("said", "kept"), [
    (Environment(requirements=("numpy==1.26.4",)), {"requirements": ["numpy==1.26.4"]}),
    (Environment(python="3.12"), {"python": "3.12"}),
    ({"python": "3.12.4"}, {"python": "3.12.4"}),
    ({"variables": {"A": "1"}}, {"variables": {"A": "1"}}),
])  # fmt: skip
def test_what_it_says_is_kept_as_a_mapping(said: Any, kept: dict[str, Any]) -> None:
    assert environment_of(said, "here") == kept


@pytest.mark.parametrize(("said", "named"), [
    (Environment(python="/usr/bin/python3"), "no version of Python"),
    (Environment(python=">=3.11"), "no version of Python"),
    ({"python": 3.12}, "no version of Python"),
    (Environment(requirements="numpy"), "no list of texts"),
    ({"requirments": []}, "no 'requirments'"),
    ({"variables": "A=1"}, "no mapping"),
])  # fmt: skip
def test_what_it_cannot_be_is_refused_when_the_step_is_defined(said: Any, named: str) -> None:
    with pytest.raises(DefinitionError, match=named):
        environment_of(said, "here")

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import pytest

from dovetail.hashing import canonical_json
from dovetail.materializers.json_value import JsonMaterializer


class Colour(Enum):
    RED = object()


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (3, {"value": 3}),
        (2.5, {"value": 2.5}),
        (True, {"value": True}),
        (None, {"value": None}),
        (Colour.RED, {"value": "RED"}),
        ([1, 2], {"length": 2}),
        ({}, {"length": 0}),
        (math.nan, {}),
        (10**5000, {}),
        (object(), {}),
    ],
    ids=range(10),
)
def test_a_summary_is_short_and_plain(value: Any, summary: dict[str, Any]) -> None:
    assert JsonMaterializer().summary(value) == summary
    canonical_json(summary)

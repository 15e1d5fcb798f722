from __future__ import annotations

import ast

import pytest

from dovetail.planning.syntax import chains, outer_expressions


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        ('"Data"', {"Data"}),
        ('list["Data"]', {"list", "Data"}),
        ('Annotated[Data, "model"]', {"Annotated", "Data"}),
        ('typing.Annotated["Data", "model"]', {"typing", "Data"}),
        ('Literal["fast", "exact"]', {"Literal"}),
        ('dict["Data", Literal["fast"]]', {"dict", "Data", "Literal"}),
    ],
)
def test_text_in_an_annotation_is_a_name_only_where_a_type_stands(annotation: str, named: set[str]) -> None:
    (statement,) = ast.parse(f"def train() -> {annotation}: ...").body
    assert {chain[0] for chain in chains(outer_expressions(statement))} == named

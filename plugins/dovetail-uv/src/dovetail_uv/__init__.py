"""A step operator that runs steps in isolated environments made by uv."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_step_operators() -> Iterator[Flavor]:
    """Announce the operator."""
    yield Flavor(
        "uv",
        contract=1,
        config="dovetail_uv.settings:UvStepOperatorConfig",
        implementation="dovetail_uv.operator:UvStepOperator",
        summary="an isolated environment per set of requirements, cached",
    )

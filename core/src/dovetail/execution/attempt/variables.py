"""The variables that a step declares: those that name a secret get its value where the step runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dovetail.records.plan import StepPlan
from dovetail.secrets import SecretReference, filled_in, mentions


def plain_variables(step: StepPlan) -> dict[str, str]:
    """Return the variables of a step that can be handed on to wherever it runs: they name no secret."""
    return {name: value for name, value in declared_variables(step).items() if not mentions(value)}


def declared_variables(step: StepPlan) -> dict[str, str]:
    """Return the variables of a step as it declares them."""
    return {str(name): str(value) for name, value in step.options.environment.get("variables", {}).items()}


@contextmanager
def variables_set(step: StepPlan, value_of: Callable[[SecretReference], str]) -> Iterator[None]:
    """Set the step's variables within the block, with the values that `value_of` gives for references.

    Raises:
        NotFoundError: a secret is not there.
        ConfigurationError: what looks like a reference is none.
    """
    wanted = {name: filled_in(value, value_of) for name, value in declared_variables(step).items()}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

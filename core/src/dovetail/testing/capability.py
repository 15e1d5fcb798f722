"""Capabilities that a component turns out to have and does not declare: they are reported."""

from __future__ import annotations

import warnings

from dovetail.components.component import Component


class UndeclaredCapabilityWarning(UserWarning):
    """A component can do what it does not declare, so that nobody relies on it."""


def report_undeclared(component: Component, capability: str) -> None:
    """Warn that `capability` works although the class does not declare it."""
    said = (
        f"{type(component).__name__} does not declare `{capability} = True`, and all that it asks for works"
    )
    warnings.warn(said, UndeclaredCapabilityWarning, stacklevel=3)

"""Stacks and components as they are kept in profiles and in runs: names, flavors, configuration."""

from __future__ import annotations

from typing import Any

from dovetail.records.record import Record


class ComponentRecord(Record):
    """One registered component. `flavor` is qualified, `wheel/flavor`; secrets stand as references."""

    type: str
    name: str
    flavor: str
    config: dict[str, Any] = {}


class StackRecord(Record):
    """A named set of components, at most one of each type; keys are component types."""

    name: str
    components: dict[str, ComponentRecord] = {}

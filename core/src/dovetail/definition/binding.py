"""Binding: which argument of a step each value of a call goes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail.definition.signature import Argument
from dovetail.errors import DefinitionError, did_you_mean


def bind(
    step: str,
    arguments: Mapping[str, Argument],
    bound: Mapping[str, Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    where: str,
) -> dict[str, Any]:
    """Return the arguments of a call by name: those `bound` before, then these.

    Positions count the arguments that are not bound yet, without the context. A parameter object goes to
    the argument that is annotated with a parameter class, and only that or a mapping does.
    """
    found = dict(bound)
    free = [name for name, each in arguments.items() if name not in bound and each.kind != "context"]
    for value in args:
        place = next((name for name in free if _fits(arguments[name], value)), None)
        if place is None or place in kwargs:
            raise DefinitionError(
                f"step {step!r} cannot place {len(args)} positional arguments",
                hint=f"it takes {', '.join(arguments) or 'none'}; pass them by name",
                where=where,
            )
        free.remove(place)
        found[place] = value
    for name, value in kwargs.items():
        if name not in arguments or arguments[name].kind == "context":
            known = [each.name for each in arguments.values() if each.kind != "context"]
            raise DefinitionError(
                f"step {step!r} has no argument {name!r}",
                hint=did_you_mean(name, known) or "it takes none",
                where=where,
            )
        found[name] = value
    return found


def _fits(argument: Argument, value: object) -> bool:
    if getattr(type(value), "dovetail_step_config", False):
        return argument.kind == "config"
    return argument.kind == "value" or isinstance(value, Mapping)

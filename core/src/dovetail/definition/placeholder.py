"""Placeholder methods: what a layer of a step hierarchy leaves for a subclass to override."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def placeholder(method: F) -> F:
    """Mark a method as one that a subclass has to override; compiling a pipeline checks that it did.

    Use it in layers of your own: a base class whose `entrypoint` calls methods that each trainer, reader
    or evaluator fills in.
    """
    method.dovetail_placeholder = True  # type: ignore[attr-defined] # a mark
    return method


def is_placeholder(method: object) -> bool:
    """Say whether a method is still a placeholder."""
    return getattr(method, "dovetail_placeholder", False) is True


def entry_name(cls: type) -> str:
    """Return the method that a run calls: `entrypoint` where it is overridden, else the layer's `entry`."""
    if not is_placeholder(getattr(cls, "entrypoint", None)):
        return "entrypoint"
    return str(getattr(cls, "entry", "entrypoint"))


def open_placeholders(cls: type) -> list[str]:
    """Return, as `Layer.method`, the placeholders that `cls` has not overridden and a run would call."""
    unused = {"entrypoint", getattr(cls, "entry", "entrypoint")} - {entry_name(cls)}
    found: dict[str, str] = {}
    for layer in cls.__mro__:
        for name, value in vars(layer).items():
            if is_placeholder(value) and name not in unused and is_placeholder(getattr(cls, name)):
                found.setdefault(name, f"{layer.__name__}.{name}")
    return sorted(found.values())

"""A component of any type that does what a test tells it, and notes what is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dovetail.components.component import Component, ComponentConfig
from dovetail.discovery.manager import load_base

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Method, arguments, named arguments."""


def fake_component(kind: str, home: Path, *, name: str = "fake", **told: Any) -> Any:  # noqa: ANN401 - of any type
    """Return a component of type `kind`, such as `step_operator`; its list `calls` is of `Call`.

    What its type leaves to implementations returns None, unless `told` says otherwise: an attribute, or for
    a method a function of its arguments, or a value that it returns.
    """
    base = load_base(kind)
    wanted = base.__abstractmethods__ | {each for each in told if callable(getattr(base, each, None))}
    methods = {
        each: _noting(each, told.get(each))
        for each in wanted
        if not isinstance(getattr(base, each), property)
    }
    plain = {each: told.get(each) for each in {*wanted, *told} - set(methods)}
    made = type(f"Fake{base.__name__}", (base,), {"config_class": ComponentConfig, **methods, **plain})
    fake: Component = made(name, ComponentConfig(), home=home)
    fake.__dict__["calls"] = []
    return fake


def _noting(method: str, answer: Any) -> Any:  # noqa: ANN401 - a method
    def noted(self: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the method has them
        self.calls.append((method, arguments, named))
        return answer(*arguments, **named) if callable(answer) else answer

    noted.__name__ = method
    return noted

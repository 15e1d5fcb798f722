"""The body of a pipeline while it is composed: who takes down the calls of steps, and where they stand."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import FrameType
from typing import Any, Protocol

_OURS = "dovetail.definition."


class Body(Protocol):
    """Takes down what happens to steps while a pipeline's function runs."""

    def add(self, instance: Any, arguments: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401 - see Composition
        """Add a call of a step; return what stands for its outputs."""

    def defer(self, derived: Any, origin: Any, where: str) -> None:  # noqa: ANN401 - see Composition
        """Note that `derived` was made of `origin` by `.after(...)`, and may still be called."""


CURRENT: ContextVar[Body | None] = ContextVar("dovetail-body", default=None)


def call_site() -> str:
    """Return `file:line` of the innermost call that stands outside this package."""
    frame = _caller()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def calling_module() -> dict[str, Any]:
    """Return the names of the module in which the innermost call outside this package stands."""
    return _caller().f_globals


def _caller() -> FrameType:
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to one's caller that costs no traceback
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return frame

"""References to objects by text, `package.module:attribute`: the one way to import something late."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(reference: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Import what `module:attribute.path` names; `module` alone gives the module.

    Raises whatever the import raises, and AttributeError where the module lacks the attribute: the
    caller knows who is to blame.
    """
    module, _, path = reference.partition(":")
    found: Any = import_module(module)
    for part in filter(None, path.split(".")):
        found = getattr(found, part)
    return found


def reference_to(target: type | Any) -> str:  # noqa: ANN401 - classes and functions alike
    """Return the reference of a class or function, `module:qualname`."""
    return f"{target.__module__}:{target.__qualname__}"

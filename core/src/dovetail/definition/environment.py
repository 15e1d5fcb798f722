"""The environment that a step declares: what is to be installed where it runs, which Python, variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from dovetail.errors import DefinitionError, did_you_mean


@dataclass(frozen=True, slots=True)
class Environment:
    """What a step wants of the place it runs in.

    `requirements` are lines as pip takes them (`"numpy==1.26.4"`), `python` a version (`"3.12"`), the
    launcher's by default; both need a step operator that makes environments, such as that of dovetail-uv.
    `variables` are set in the step's process, whatever runs it. All of it is part of the cache key.
    """

    requirements: Sequence[str] = ()
    python: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_KNOWN = [each.name for each in fields(Environment)]


def environment_of(said: Any, where: str) -> Any:  # noqa: ANN401 - as the user said it
    """Return an environment as a mapping of what it says; what is none of either kind comes back as it is.

    Raises:
        DefinitionError: a field is of a wrong kind.
    """
    if isinstance(said, Environment):
        said = {name: value for name in _KNOWN if (value := getattr(said, name))}
    if not isinstance(said, Mapping):
        return said
    for name in said:
        if name not in _KNOWN:
            hint = did_you_mean(str(name), _KNOWN) or f"it has {', '.join(_KNOWN)}"
            raise DefinitionError(f"an environment has no {name!r}", hint=hint, where=where)
    requirements, python = said.get("requirements", ()), said.get("python")
    if isinstance(requirements, str) or not all(isinstance(each, str) for each in requirements):
        raise DefinitionError(
            f"option environment: requirements={requirements!r} is no list of texts",
            hint='such as requirements=["numpy==1.26.4"]',
            where=where,
        )
    if not (python is None or (isinstance(python, str) and _VERSION.fullmatch(python))):
        raise DefinitionError(
            f"option environment: python={python!r} is no version of Python",
            hint='such as python="3.12" or python="3.12.4"',
            where=where,
        )
    if not isinstance(said.get("variables", {}), Mapping):
        raise DefinitionError("option environment: variables is no mapping", where=where)
    return {**said, "requirements": list(requirements)} if requirements else said

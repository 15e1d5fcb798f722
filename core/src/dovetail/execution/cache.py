"""The cache key of a step: its parts, and why it differs from another run's.

The key sees the step's source and the project code it statically reaches, its parameters, the digests of
its inputs, the materializers of its outputs, its declared environment and the Python minor version. It
does not see versions of libraries that the step does not declare, files and services that the step reads
by itself, the clock, or code that is reached only dynamically.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dovetail.hashing import digest_value
from dovetail.planning.code import why_unhashable
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import StepPlan

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_FORMAT = 1


def cache_key(step: StepPlan, inputs: Mapping[str, str], python: str = PYTHON, *, store: str = "") -> str:
    """Return the key of a step whose inputs have these digests (input name to artifact digest).

    `store` is the address of the artifact store: what lies in another one cannot be taken.
    """
    return digest_value(
        (
            *([store] if store else []),
            _FORMAT,
            step.source.digest,
            step.parameters,
            dict(inputs),
            _stored(step),
            step.options.environment,
            python,
        )
    )


def step_key(step: StepPlan, inputs: Mapping[str, ArtifactRecord], store: str) -> str:
    """Return the key of a step that reads these artifacts, empty where it can have none."""
    if uncacheable(step):
        return ""
    return cache_key(step, {name: each.digest for name, each in inputs.items()}, store=store)


def uncacheable(step: StepPlan) -> str | None:
    """Return why a step can have no cache key, None when it can."""
    if not step.options.enable_cache:
        return "enable_cache is off"
    return why_unhashable(step.source)


KeyParts = tuple[StepPlan, Mapping[str, str], str]
"""What a key is taken of: a step, the digests of its inputs by name, the Python minor version."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which two keys differ; `was` and `now` are texts, empty where the values are not known."""

    kind: Literal["code", "parameter", "input", "output", "environment", "python"]
    name: str
    change: Literal["new", "gone", "changed"]
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        """Return it for people."""
        what = f"{self.kind} {self.name}" if self.name else self.kind
        values = f"{self.was} -> {self.now}" if self.was and self.now else self.change
        return f"{what}: {values}"


def compare(mine: KeyParts, theirs: KeyParts) -> list[Difference]:
    """Return each part in which two keys differ; `theirs` is what was."""
    (step, inputs, python), (other, other_inputs, other_python) = mine, theirs
    found = _changed("code", step.source.parts, other.source.parts)
    found += _changed("parameter", step.parameters, other.parameters, repr)
    found += _changed("input", inputs, other_inputs)
    found += _changed("output", _stored(step), _stored(other), _said)
    found += _changed("environment", step.options.environment, other.options.environment, repr)
    if python != other_python:
        found.append(Difference("python", "", "changed", other_python, python))
    return found


def differences(mine: KeyParts, theirs: KeyParts) -> list[str]:
    """Return, for people, each part in which two keys differ."""
    return [str(each) for each in compare(mine, theirs)]


def _changed(
    kind: Literal["code", "parameter", "input", "output", "environment"],
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    show: Callable[[Any], str] = lambda _: "",
) -> list[Difference]:
    found = []
    for name in sorted({*mine, *theirs}):
        if name not in theirs:
            found.append(Difference(kind, name, "new", "", show(mine[name])))
        elif name not in mine:
            found.append(Difference(kind, name, "gone", show(theirs[name]), ""))
        elif digest_value(mine[name]) != digest_value(theirs[name]):
            found.append(Difference(kind, name, "changed", show(theirs[name]), show(mine[name])))
    return found


def _stored(step: StepPlan) -> dict[str, tuple[str, str, str, int]]:
    """Return what of the outputs is in the key: type, and what stores it."""
    return {
        each.name: (each.type, each.materializer.name, each.materializer.reference, each.materializer.version)
        for each in step.outputs
    }


def _said(stored: tuple[str, str, str, int]) -> str:
    type_, name, reference, version = stored
    return f"{type_} by {name} ({reference}, version {version})"

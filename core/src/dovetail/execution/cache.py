"""The cache key of a step: its parts, and why it differs from another run's.

The key sees the step's source and the project code it statically reaches, its parameters, the digests of
its inputs, the materializers of its outputs, its declared environment and the Python minor version. It
does not see versions of libraries that the step does not declare, files and services that the step reads
by itself, the clock, or code that is reached only dynamically.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from dovetail.hashing import digest_value
from dovetail.planning.code import why_unhashable
from dovetail.records.plan import StepPlan

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_FORMAT = 1


def cache_key(step: StepPlan, inputs: Mapping[str, str], python: str = PYTHON) -> str:
    """Return the key of a step whose inputs have these digests (input name to artifact digest)."""
    outputs = {
        each.name: (each.type, each.materializer.name, each.materializer.reference, each.materializer.version)
        for each in step.outputs
    }
    return digest_value(
        (
            _FORMAT,
            step.source.digest,
            step.parameters,
            dict(inputs),
            outputs,
            step.options.environment,
            python,
        )
    )


def uncacheable(step: StepPlan) -> str | None:
    """Return why a step can have no cache key, None when it can."""
    if not step.options.enable_cache:
        return "enable_cache is off"
    return why_unhashable(step.source)


def differences(
    mine: tuple[StepPlan, Mapping[str, str], str], theirs: tuple[StepPlan, Mapping[str, str], str]
) -> list[str]:
    """Return, for people, each part in which two keys differ; (step, input digests, python) of each."""
    (step, inputs, python), (other, other_inputs, other_python) = mine, theirs
    found = _changed("code", step.source.parts, other.source.parts)
    found += _changed("parameter", step.parameters, other.parameters, values=True)
    found += _changed("input", inputs, other_inputs)
    found += _changed(
        "output",
        {each.name: f"{each.type} by {each.materializer.name}" for each in step.outputs},
        {each.name: f"{each.type} by {each.materializer.name}" for each in other.outputs},
        values=True,
    )
    found += _changed("environment", step.options.environment, other.options.environment, values=True)
    if python != other_python:
        found.append(f"python: {other_python} -> {python}")
    return found


def _changed(
    kind: str, mine: Mapping[str, object], theirs: Mapping[str, object], *, values: bool = False
) -> list[str]:
    lines = []
    for name in sorted({*mine, *theirs}):
        if name not in theirs:
            lines.append(f"{kind} {name}: new")
        elif name not in mine:
            lines.append(f"{kind} {name}: gone")
        elif digest_value(mine[name]) != digest_value(theirs[name]):
            lines.append(
                f"{kind} {name}: {theirs[name]!r} -> {mine[name]!r}" if values else f"{kind} {name}: changed"
            )
    return lines

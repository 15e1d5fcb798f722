"""Modules as this process has loaded them: whether their files were edited since, and what that means."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from dovetail.planning.memory_reach import UNHASHABLE
from dovetail.planning.project_modules import FIRST_SEEN, stamp_of
from dovetail.records.plan import Plan, StepPlan

_WHY = f"{UNHASHABLE}its file was edited since this process imported it, reload it or start anew"


def as_loaded(plan: Plan) -> Plan:
    """Return a plan for this very process: code whose file was edited since its import has no digest.

    The digests in a plan are those of files, which a process that is started for a step imports anew.
    """
    edited = {name for name in list(FIRST_SEEN) if _is_edited(name)}
    if not edited:
        return plan
    return plan.model_copy(update={"steps": tuple(_as_loaded(plan.steps, edited))})


def _as_loaded(steps: Iterable[StepPlan], edited: Collection[str]) -> Iterator[StepPlan]:
    for step in steps:
        parts = {part: _WHY for part in step.source.parts if part.partition(":")[0] in edited}
        if not parts:
            yield step
            continue
        source = step.source.model_copy(update={"parts": {**step.source.parts, **parts}})
        yield step.model_copy(update={"source": source})


def _is_edited(name: str) -> bool:
    """Say whether a module is the one that was seen first, and its file is not."""
    spec, path, stamp = FIRST_SEEN[name]
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    # A reload gives a module another specification.
    return loaded is not None and loaded is spec and stamp_of(Path(path)) != stamp

"""The one line on a run whose process died: what happened, and what to type."""

from __future__ import annotations

import shlex
from contextlib import suppress

from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.errors import DovetailError, RunCancelled
from dovetail.records.run import RunRecord, Status
from dovetail.stacks.profile_store import active_stack_name, open_profile

DIED = "its process died"


def going_on(run: str, stack: str | None = None) -> str:
    """Say what to type to go on with a run of the active stack, or of another one."""
    return f"to go on where it stopped: {command('resume', run, stack=stack)}"


def command(verb: str, *words: str, stack: str | None = None) -> str:
    """Return a command on a run as it is to be typed; a stack that is not the active one stands before it."""
    before = f"DOVETAIL_STACK={shlex.quote(stack)} " if stack and _is_aside(stack) else ""
    return f"{before}dovetail run {verb} {shlex.join(words)}"


def _is_aside(stack: str) -> bool:
    """Say whether a stack is registered and not the active one; others have no name to be chosen by."""
    with suppress(DovetailError):
        profile = open_profile().read()
        return stack in profile.stacks and stack != active_stack_name(profile.name)
    return False


def interruption(run: str, *older: str) -> str:
    """Say that a run was interrupted, or so many, and how to go on with the newest."""
    if not older:
        return f"run {run} was interrupted: {DIED}; {going_on(run)}"
    return (
        f"{len(older) + 1} runs were interrupted: their processes died; "
        f"to go on with the newest: {command('resume', run)}"
    )


def resumption(run: str) -> str:
    """Say that a run was interrupted, and goes on now."""
    return f"run {run} was interrupted: {DIED}; it goes on where it stopped"


def cancellation(run: RunRecord) -> RunCancelled:
    """Return the error that a run was ended on request."""
    return RunCancelled(f"run {run.name!r} was cancelled", hint=going_on(run.name, run.stack.name))


def interrupted_before(metadata: MetadataStore, pipeline: str) -> str | None:
    """Return the name of the newest run of a pipeline where that was interrupted."""
    newest = metadata.runs(RunQuery(pipeline=pipeline, limit=1))
    return newest[0].name if newest and newest[0].status is Status.INTERRUPTED else None

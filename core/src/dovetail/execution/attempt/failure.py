"""What a person sees of an exception in a step: their own frames, none of ours."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from types import TracebackType

from dovetail.errors import DovetailError
from dovetail.materializers.type_names import class_names
from dovetail.records.report import Failure
from dovetail.redaction import mask

_OURS = str(Path(__file__).resolve().parents[2]) + os.sep
_STANDARD = str(Path(traceback.__file__).parent)
_IMPORTING = "<frozen importlib"
_LONGEST = 10_000
"""Characters of a message that are kept; whoever puts a table into one wants its beginning."""


def failure_of(error: BaseException) -> Failure:
    """Return what the report says of the exception that ended an attempt."""
    bases = tuple(class_names(type(error)))
    kind = bases[0].removeprefix("builtins.")
    if isinstance(error, DovetailError):
        return Failure(
            type=kind, bases=bases, message=mask(error.message), hint=error.hint and mask(error.hint)
        )
    if isinstance(error, SystemExit):
        return Failure(type=kind, bases=bases, message=_storable(f"the step called sys.exit({error.code!r})"))
    return Failure(type=kind, bases=bases, message=_storable(_text(error)), traceback=users_traceback(error))


def users_traceback(error: BaseException) -> str:
    """Return the traceback as a person is shown it: from their own first frame on, imports without theirs."""
    shown = traceback.TracebackException(type(error), error, users_frames(error.__traceback__), compact=True)
    kept = [each for each in shown.stack if not each.filename.startswith(_IMPORTING)]
    shown.stack = traceback.StackSummary.from_list(kept or shown.stack)
    return "".join(_storable(each) for each in shown.format())


def users_place(error: BaseException) -> str | None:
    """Return `file:line` of the innermost frame of the user's own code; of no library, None where none is."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    found = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if is_users(frame.f_code.co_filename)
    ]
    return found[-1] if found else None


def is_users(file: str) -> bool:
    """Say whether a file holds the user's own code, not that of Dovetail or of a library."""
    if file.startswith(("<", _OURS, _STANDARD)):
        return False
    return not {"site-packages", "dist-packages"}.intersection(Path(file).parts)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001 - the border around the user's exception
        return f"(its text cannot be had: __str__ raised {type(another).__name__})"


def _storable(text: str) -> str:
    """Return text that UTF-8 can hold and a person can read: cut, halves of surrogate pairs as escapes.

    What is confidential is masked before it can be cut in two.
    """
    text = mask(text)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}... ({len(text)} characters)\n"
    return text.encode(errors="backslashreplace").decode()


def users_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame that is not ours; all of it where every frame is."""
    first = trace
    while first is not None and first.tb_frame.f_code.co_filename.startswith((_OURS, _IMPORTING)):
        first = first.tb_next
    return first or trace

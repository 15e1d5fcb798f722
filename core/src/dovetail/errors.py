"""Every error Dovetail raises on purpose.

::

    DovetailError
    ├── UsageError                a command line or call that cannot be understood
    ├── DefinitionError           a step or a pipeline is written wrongly
    │   └── PlanError             definition and stack do not fit together
    ├── ConfigurationError        a setting, file or environment value is wrong
    │   └── IllegalNameError      a text that may not be a name
    ├── NotFoundError             nothing of that name or id is there
    ├── ConflictError             it is there already, or somebody else holds it
    ├── IntegrationError          a wheel is missing, broken, incompatible or ambiguous
    ├── StoreError                a store refuses: full, read-only, unreachable, too new
    │   ├── ArtifactError         an artifact is missing, damaged or exists already
    │   └── LeaseError            the run is owned by somebody else, or was taken over
    ├── MaterializerError         a value and its materializer do not fit
    └── RunError                  a run did not complete
        ├── StepError             a step failed; carries the user's traceback
        └── RunCancelled          the run was ended on request

`message` says what was asked (as its repr) and what was found; `hint` says what to do. The culprit is
an attribute: `where` is `file:line`, a wheel, a component or a step. The command line prints the three
and leaves with `exit_code`.
"""

from __future__ import annotations

from typing import ClassVar

from dovetail.references import load


class DovetailError(Exception):
    """Root of the tree; catch it to catch whatever Dovetail reports by itself."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        """Return where, what and what to do, one line each."""
        first = f"{self.where}: {self.message}" if self.where else self.message
        return f"{first}\n  hint: {self.hint}" if self.hint else first


class UsageError(DovetailError):
    """A command line or call that cannot be understood."""

    exit_code = 2


class DefinitionError(DovetailError):
    """A step or a pipeline is written wrongly; `where` is `file:line`."""

    exit_code = 3


class PlanError(DefinitionError):
    """A definition and a stack do not make a plan."""


class ConfigurationError(DovetailError):
    """A setting, a file or an environment value is wrong."""

    exit_code = 4


class IllegalNameError(ConfigurationError):
    """A text may not be a name."""


class NotFoundError(DovetailError):
    """Nothing of that name or id is there."""

    exit_code = 5


class ConflictError(DovetailError):
    """It is there already, or somebody else holds it."""

    exit_code = 6


class IntegrationError(DovetailError):
    """A wheel is missing, broken, incompatible or ambiguous; `where` names it."""

    exit_code = 7


class StoreError(DovetailError):
    """A store refuses: full, read-only, unreachable, or newer than this program."""

    exit_code = 8


class ArtifactError(StoreError):
    """An artifact is missing, damaged, or exists already."""


class LeaseError(StoreError):
    """The run is owned by somebody else, or was taken over."""

    exit_code = 6


class MaterializerError(DovetailError):
    """A value and its materializer do not fit."""

    exit_code = 3


class RunError(DovetailError):
    """A run did not complete."""

    exit_code = 1


class StepError(RunError):
    """A step failed; `traceback` is the user's own, without our frames, and a note of the exception."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        where: str | None = None,
        traceback: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.traceback = traceback
        if traceback:
            self.add_note(traceback)


class RunCancelled(RunError):  # noqa: N818 - an outcome, not a fault
    """The run was ended on request."""

    exit_code = 130


def cannot_write(what: str, place: object, error: OSError) -> StoreError:
    """Return the error for something that a directory of this machine did not take."""
    return StoreError(
        f"{what} cannot be written to {str(place)!r}: {error.strerror or error}",
        hint="free space there, or set TMPDIR to a directory with room for it",
    )


def nearest(word: str, known: list[str]) -> str | None:
    """Return a hint that names the nearest of `known`, None when none is near."""
    matches = load("difflib:get_close_matches")  # late: only those who err wait for it
    near = matches(word, known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(each) for each in near)}?" if near else None


def did_you_mean(word: str, known: list[str]) -> str | None:
    """Return a hint that names the nearest of `known`, or lists a few when none is near."""
    if near := nearest(word, known):
        return near
    if known:
        shown = ", ".join(sorted(known)[:12])
        return f"known: {shown}{', ...' if len(known) > 12 else ''}"  # noqa: PLR2004 - a line's worth
    return None

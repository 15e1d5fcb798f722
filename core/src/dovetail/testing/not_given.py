"""What a contract says to who derives from it and leaves a fixture out."""

from __future__ import annotations

from dovetail.errors import UsageError


def not_given(fixture: str) -> UsageError:
    """Return the error for a fixture that only the author of an implementation can give."""
    return UsageError(
        f"the contract needs the fixture {fixture!r}",
        hint="give it in the class that derives from the contract; the docstring of its module shows how",
    )

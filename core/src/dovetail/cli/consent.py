"""Asking a person whether to go on."""

from __future__ import annotations

import click

from dovetail.errors import UsageError


def agreed(question: str, *, asked: str, hint: str) -> bool:
    """Return what a person answers; the question goes to standard error, `asked` says what for (`delete`).

    Raises:
        UsageError: nobody is there to answer; `hint` says how to do without.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            click.echo(err=True)
            raise UsageError(
                f"nobody is there to say whether to {asked}: standard input is at its end", hint=hint
            ) from abort
        raise

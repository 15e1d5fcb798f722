"""Where the values of a secret come from: a person who types them unseen, files, variables, or input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import click

from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import ConfigurationError, UsageError
from dovetail.references import load

_INSTEAD = "give it by --from-file KEY=FILE, --from-env KEY=VARIABLE or --stdin"

scope_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--scope",
    default="global",
    show_default=True,
    metavar="SCOPE",
    help="global, profile, profile:NAME or pipeline:NAME.",
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the ways to give values. None of them puts a value into the arguments of a process."""
    for option in (
        click.option(
            "--stdin", "from_stdin", is_flag=True, help="Read a JSON object, or the value of the one --key."
        ),
        click.option(
            "--from-env", "variables", multiple=True, metavar="KEY=VARIABLE", help="Take it from a variable."
        ),
        click.option("--from-file", "files", multiple=True, metavar="KEY=FILE", help="Take it from a file."),
        click.option("--key", "asked", multiple=True, metavar="KEY", help="Ask for it, without echo."),
    ):
        command = option(command)
    return command


def manager_of_stack() -> SecretsManager:
    """Return the secrets manager of the active stack; the local one where the stack names none."""
    stack = load("dovetail.stacks.assemble:active_stack_record")()
    return cast("SecretsManager", load("dovetail.stacks.assemble:secrets_manager")(stack))


def scope_of(text: str) -> str | None:
    """Return the scope that an option names."""
    active = load("dovetail.stacks.profile_store:active_profile_name")()
    return cast("str | None", load("dovetail.stacks.secret_lookup:read_scope")(text, active))


def tell_scopes(scopes: Sequence[str | None]) -> None:
    """Say on standard error which scopes were looked into: a secrets manager cannot be asked for all."""
    names = ", ".join(scope or "global" for scope in scopes)
    click.echo(
        f"looked in: {names}; others are asked for by --scope pipeline:NAME or profile:NAME",
        err=True,
    )


def values_given(
    asked: Sequence[str],
    files: Sequence[str],
    variables: Sequence[str],
    *,
    from_stdin: bool,
    shown: Sequence[str] = (),
) -> dict[str, str]:
    """Return the values by key; those that are `asked` for are typed, unseen unless they may be `shown`.

    Raises:
        UsageError: an option is written wrongly, or nobody is there to answer.
        ConfigurationError: a file or variable is not there.
    """
    found = {key: _from_file(key, place) for key, place in map(_pair, files)}
    found |= {key: _from_variable(key, name) for key, name in map(_pair, variables)}
    left = [key for key in asked if key not in found]
    if from_stdin:
        found |= _from_input(left)
        left = [key for key in left if key not in found]
    for key in left:
        found[key] = typed(f"value of {key}", hidden=key not in shown)
    return found


def typed(question: str, *, hidden: bool = True, instead: str = _INSTEAD) -> str:
    """Return what a person types; the question goes to standard error."""
    try:
        if hidden and not sys.stdin.isatty():
            raise EOFError  # noqa: TRY301 - an answer that would be seen is none
        return str(click.prompt(question, hide_input=hidden, err=True, default="", show_default=False))
    except (EOFError, click.Abort) as error:
        if isinstance(error, click.Abort) and not isinstance(error.__context__, EOFError):
            raise
        raise UsageError(f"nobody is there to type the {question}", hint=instead) from None


def _pair(text: str) -> tuple[str, str]:
    key, sign, place = text.partition("=")
    if not key or not sign or not place:
        raise UsageError("this is not of the form KEY=PLACE", hint="for example --from-file token=token.txt")
    return key, place


def _from_file(key: str, place: str) -> str:
    try:
        return Path(place).expanduser().read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        # Not its name: somebody may have written the value there.
        raise ConfigurationError(
            f"the file for key {key!r} cannot be read: {reason}", hint="name a file of text"
        ) from None


def _from_variable(key: str, name: str) -> str:
    if name not in os.environ:
        raise ConfigurationError(
            f"the variable for key {key!r} is not set", hint="name one that is set, without its value"
        )
    return os.environ[name]


def _from_input(asked: Sequence[str]) -> Mapping[str, str]:
    text = sys.stdin.read()
    if len(asked) == 1:
        return {asked[0]: text.removesuffix("\n")}
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not all(isinstance(each, str) for each in document.values()):
        raise UsageError(
            "standard input holds no JSON object of texts", hint='like {"user": "...", "password": "..."}'
        )
    return document

"""`dovetail secret export|import`: secrets in a file that a passphrase of its own seals."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dovetail.builtin.private_file import create, read
from dovetail.builtin.sealing import NotSealedByThisError, derived, new_cost, seal, unseal
from dovetail.cli.render import json_option, print_json, print_lines
from dovetail.cli.secret_sources import manager_of_stack, scope_of, tell_scopes, typed
from dovetail.errors import ConfigurationError, ConflictError, StoreError, UsageError
from dovetail.hashing import canonical_json

_FORMAT = "dovetail-secrets-1"
_passphrase_option = click.option(
    "--passphrase-env",
    metavar="VARIABLE",
    help="Take the passphrase from a variable; by default it is asked for.",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="Only these; else global and the profile."
)
@_passphrase_option
@json_option
def export(file: str, scopes: tuple[str, ...], passphrase_env: str | None, *, as_json: bool) -> None:
    """Write the secrets to FILE, sealed by a passphrase; there is no way to write them in plain text."""
    places = [scope_of(each) for each in scopes or ("global", "profile")]
    with manager_of_stack() as manager:
        kept = [
            {
                "name": name,
                "scope": place,
                "schema": manager.schema(name, scope=place),
                "values": dict(manager.get(name, scope=place)),
            }
            for place in places
            for name in manager.names(scope=place)
        ]
    passphrase = _passphrase(passphrase_env, twice=True)
    cost = new_cost()
    header = {"format": _FORMAT, "cost": cost}
    sealed = seal(derived(passphrase, cost), canonical_json(kept), header)
    if not create(Path(file).absolute(), canonical_json({**header, **sealed})):
        raise ConflictError(f"{file!r} is there already", hint="name a file that is not there")
    _tell("exported", kept, file, as_json=as_json)
    if not scopes:
        tell_scopes(places)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace secrets that are there.")
@_passphrase_option
@json_option
def import_secrets(file: str, passphrase_env: str | None, *, overwrite: bool, as_json: bool) -> None:
    """Register the secrets that `export` wrote to FILE."""
    document = _document(file)
    passphrase = _passphrase(passphrase_env)
    header = {"format": document["format"], "cost": document["cost"]}
    try:
        kept = json.loads(unseal(derived(passphrase, document["cost"]), document, header))
    except NotSealedByThisError:
        raise StoreError(
            f"{file!r} does not open: the passphrase is another one, or the file was changed",
            hint="give the passphrase it was exported with",
        ) from None
    with manager_of_stack() as manager:
        there = [each for each in kept if each["name"] in manager.names(scope=each["scope"])]
        if there and not overwrite:
            raise ConflictError(
                f"{', '.join(map(_called, there))} would be replaced in {manager.name!r}",
                hint="--overwrite replaces them",
            )
        for each in kept:
            manager.put(each["name"], each["values"], schema=each["schema"], scope=each["scope"])
    _tell("imported", kept, file, as_json=as_json)


def _called(secret: Mapping[str, Any]) -> str:
    scope = secret["scope"]
    return repr(secret["name"]) if scope is None else f"{secret['name']!r} of scope {scope!r}"


def _document(file: str) -> dict[str, Any]:
    data = read(Path(file).absolute())
    if data is None:
        raise ConfigurationError(f"{file!r} is not there", hint="name a file that `secret export` wrote")
    document: dict[str, Any] = {}
    try:
        document = json.loads(data)
        known = document["format"] == _FORMAT and isinstance(document["cost"], dict)
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise ConfigurationError(
            f"{file!r} holds no exported secrets", hint="name a file that `secret export` wrote"
        )
    return document


def _passphrase(variable: str | None, *, twice: bool = False) -> str:
    if variable is not None:
        given = os.environ.get(variable, "")
        source = f"the variable {variable!r} holds none"
    else:
        given = typed("passphrase", instead="give it by --passphrase-env VARIABLE")
        source = "none was typed"
        if twice and typed("passphrase again") != given:
            raise UsageError("the two passphrases are not equal", hint="type it again")
    if not given:
        raise UsageError(
            f"a passphrase is needed, and {source}", hint="give one by --passphrase-env VARIABLE"
        )
    return given


def _tell(what: str, kept: list[dict[str, Any]], file: str, *, as_json: bool) -> None:
    if as_json:
        print_json([{name: each[name] for name in ("name", "scope", "schema")} for each in kept])
        return
    print_lines([f"{what} {len(kept)} secret{'s' * (len(kept) != 1)}: {file}"])

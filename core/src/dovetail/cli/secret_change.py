"""`dovetail secret register|update|delete`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import click

from dovetail.cli.consent import agreed
from dovetail.cli.render import print_lines
from dovetail.cli.secret_sources import manager_of_stack, scope_of, scope_option, source_options, values_given
from dovetail.components.secrets_manager import SecretsManager
from dovetail.discovery.index import load_index
from dovetail.errors import ConflictError, NotFoundError, UsageError
from dovetail.redaction import SHORTEST


@click.command()
@click.argument("name")
@click.option("--schema", default="arbitrary", show_default=True, help="Which keys it has.")
@scope_option
@source_options
def register(
    name: str,
    schema: str,
    scope: str,
    asked: tuple[str, ...],
    files: tuple[str, ...],
    variables: tuple[str, ...],
    *,
    from_stdin: bool,
) -> None:
    """Keep the secret NAME. Values that no option gives are asked for, without echo."""
    (schema, kind), place = load_index().secret_schema(schema), scope_of(scope)
    with manager_of_stack() as manager:
        if _is_there(manager, name, place):
            raise ConflictError(
                f"secret {name!r} is there already (scope: {scope})",
                hint=f"`dovetail secret update {name}` changes it",
            )
        given = {each.partition("=")[0] for each in (*files, *variables)}
        keys = [*asked, *(each for each in kind.required if each not in asked and each not in given)]
        if not (keys or given or from_stdin):
            keys = ["value"]
        if from_stdin and not asked:
            keys = []
        values = values_given(keys, files, variables, from_stdin=from_stdin, shown=kind.shown)
        kind.check(values)
        manager.put(name, values, schema=schema, scope=place)
        print_lines([f"registered secret {name!r} in {manager.name!r}: {', '.join(values)}"])
    warn_of_short(values)


@click.command()
@click.argument("name")
@scope_option
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a key.")
@source_options
def update(
    name: str,
    scope: str,
    remove: tuple[str, ...],
    asked: tuple[str, ...],
    files: tuple[str, ...],
    variables: tuple[str, ...],
    *,
    from_stdin: bool,
) -> None:
    """Change keys of the secret NAME; the others stay as they are."""
    place = scope_of(scope)
    if not (asked or files or variables or from_stdin or remove):
        raise UsageError("nothing to change was named", hint="for example --key password, which asks for it")
    with manager_of_stack() as manager:
        before = dict(manager.get(name, scope=place))
        values = dict(before)
        schema = manager.schema(name, scope=place)
        for key in remove:
            if values.pop(key, None) is None:
                raise NotFoundError(f"secret {name!r} has no key {key!r}", hint=f"it has {', '.join(values)}")
        changed = values_given(asked, files, variables, from_stdin=from_stdin)
        values |= changed
        load_index().secret_schema(schema)[1].check(values)
        manager.put(name, values, schema=schema, scope=place)
    print_lines([f"updated secret {name!r}: {_difference(before, values, changed)}"])
    warn_of_short(changed)


@click.command()
@click.argument("name")
@scope_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete(name: str, scope: str, *, yes: bool) -> None:
    """Remove the secret NAME."""
    place = scope_of(scope)
    with manager_of_stack() as manager:
        if not _is_there(manager, name, place):
            raise NotFoundError(
                f"there is no secret {name!r} (scope: {scope})", hint="`dovetail secret list` shows them"
            )
        question = f"Delete secret {name!r} (scope: {scope})? It cannot be brought back"
        if yes or agreed(question, asked="delete", hint="--yes deletes without asking"):
            manager.delete(name, scope=place)
            print_lines([f"deleted secret {name!r}"])


def warn_of_short(values: dict[str, str]) -> None:
    """Say which values will be seen in the output of steps."""
    for key in sorted(key for key, value in values.items() if len(value) < SHORTEST):
        click.echo(
            f"note: the value of {key!r} has fewer than {SHORTEST} characters and is not masked in output",
            err=True,
        )


def _difference(before: Collection[str], after: Collection[str], given: Iterable[str]) -> str:
    """Return which keys were changed, added and removed; a misspelt one shows as added."""
    parts = {
        "changed": [key for key in given if key in before],
        "added": [key for key in given if key not in before],
        "removed": [key for key in before if key not in after],
    }
    said = [f"{what} {', '.join(map(repr, keys))}" for what, keys in parts.items() if keys]
    return "; ".join(said) or "nothing changed"


def _is_there(manager: SecretsManager, name: str, scope: str | None) -> bool:
    return name in manager.names(scope=scope)

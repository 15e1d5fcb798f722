"""`dovetail secret ...`: keep, look at and move secrets of the active stack's secrets manager."""

from __future__ import annotations

import click

from dovetail.cli.lazy import LazyGroup

_CHANGE, _VIEW, _MOVE = (
    "dovetail.cli.secret_change",
    "dovetail.cli.secret_view",
    "dovetail.cli.secret_transfer",
)


@click.group(
    cls=LazyGroup,
    verbs={
        "register": (f"{_CHANGE}:register", "Keep a secret; its values are asked for, or read."),
        "get": (f"{_VIEW}:get", "Show a secret, its values masked."),
        "list": (f"{_VIEW}:list_secrets", "List the secrets, without values."),
        "update": (f"{_CHANGE}:update", "Change or remove keys of a secret."),
        "delete": (f"{_CHANGE}:delete", "Remove a secret."),
        "export": (f"{_MOVE}:export", "Write secrets to a file sealed by a passphrase."),
        "import": (f"{_MOVE}:import_secrets", "Register what `export` wrote."),
    },
)
def group() -> None:
    """Keep confidential values; steps and settings refer to them as {{ secret.NAME.KEY }}."""

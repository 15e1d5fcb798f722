"""`dovetail integration verify`: what holds of a wheel and a component, by the numbers of their contracts."""

from __future__ import annotations

from typing import Any

import click

from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.discovery.index import load_index
from dovetail.errors import NotFoundError, UsageError
from dovetail.references import load

_VERDICT = "dovetail.testing.verdict"


@click.command("verify")
@click.argument("name")
@click.option(
    "--component", metavar="NAME", help="Test a registered component of it too, in a throw-away place."
)
@json_option
def verify(name: str, *, component: str | None, as_json: bool) -> int:
    """Check the packaging of an integration, and how a component of it behaves.

    A component is tested below a fresh prefix, or in a fresh database or schema beside its own; only what the
    tests have made is deleted. Images that they push to a registry stay, in repositories of their own. That
    needs pytest: pip install 'dovetail[testing]'. Leaves with 1 where something does not hold.
    """
    wheel = load_index().integration(name).wheel
    found = load(f"{_VERDICT}:of_wheel")(wheel)
    if component is not None:
        record = _registered(component, wheel)
        _try_settings(record)
        found += load(f"{_VERDICT}:of_component")(record, load("dovetail.stacks.workspace:component_home")())
    failed = [each for each in found if each.result == "failed"]
    if as_json:
        print_json([each.document() for each in found])
    else:
        columns = ("contract", "number", "result", "behaviour", "reason")
        rows = [(each.contract, each.number, each.result, each.sentence, each.reason) for each in found]
        print_table(columns, rows)
        counts = [f"{sum(each.result == kind for each in found)} {kind}" for kind in _RESULTS]
        say(", ".join(counts))
    return 1 if failed else 0


def _try_settings(record: Any) -> None:  # noqa: ANN401 - a record of stacks
    """Make the component once: a setting that is wrong, or a secret that is not there, is one error.

    So is a server of a metadata store that is away, or lets nobody in; its database is left as it is.
    """
    stack = load("dovetail.stacks.assemble:active_stack_record")()
    with load("dovetail.stacks.assemble:assemble")(
        stack.model_copy(update={"components": {**stack.components, record.type: record}}), only={record.type}
    ) as live:
        if (try_server := getattr(live.components[record.type], "try_server", None)) is not None:
            try_server()


_RESULTS = ("passed", "failed", "not tested")


def _registered(name: str, wheel: str) -> Any:  # noqa: ANN401 - a record of stacks
    """Return the component of this name whose flavor is of the wheel."""
    profile = load("dovetail.stacks.profile_store:open_profile")().read()
    record_of = load("dovetail.stacks.assemble:component_record")
    named = (each for registered in profile.components.values() for each in registered.values())
    records = [record_of(each) for each in named if each.name == name]
    fitting = [each for each in records if each.flavor.partition("/")[0] == wheel]
    if len(fitting) > 1:
        kinds = ", ".join(each.type for each in fitting)
        raise UsageError(
            f"components of several types are named {name!r}: {kinds}", hint="rename one of them"
        )
    if not fitting:
        other = f"; it is of {records[0].flavor}" if records else ""
        raise NotFoundError(
            f"no component {name!r} of the wheel {wheel!r} is registered{other}",
            hint="`dovetail stack list` and `dovetail TYPE list` show what is registered",
        )
    return fitting[0]

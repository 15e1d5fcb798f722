"""`dovetail stack ...`: put stacks together, look at them, choose the active one."""

from __future__ import annotations

import click

from dovetail.cli.lazy import LazyGroup

_VIEW, _CHANGE = "dovetail.cli.stack_view", "dovetail.cli.stack_change"


@click.group(
    cls=LazyGroup,
    verbs={
        "register": (f"{_CHANGE}:register", "Register a stack of registered components."),
        "list": (f"{_VIEW}:list_stacks", "List the stacks of the active profile."),
        "show": (f"{_VIEW}:show", "Show the components of a stack."),
        "describe": (f"{_VIEW}:describe", "Show a stack with the settings of its components."),
        "set": (f"{_CHANGE}:set_active", "Make a stack the active one."),
        "update": (f"{_CHANGE}:update", "Replace or add components of a stack."),
        "copy": (f"{_CHANGE}:copy", "Register a stack with the components of another one."),
        "rename": (f"{_CHANGE}:rename", "Give a stack another name."),
        "delete": (f"{_CHANGE}:delete", "Remove a stack; its components stay."),
        "export": (f"{_CHANGE}:export_stack", "Write a stack with its components to a file."),
        "import": (f"{_CHANGE}:import_stack", "Register what `export` wrote."),
        "image": ("dovetail.cli.stack_image:group", "Make a container image of code and wheels; push it."),
    },
)
def group() -> None:
    """Put stacks together and choose the active one."""

"""One registered component alone, live, for commands that are about it and no stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dovetail.components.component import Component
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import DEFAULT_METADATA_STORE, active_stack_record, assemble, component_record
from dovetail.stacks.profile_store import open_profile


@contextmanager
def single_component(kind: str, name: str) -> Iterator[Component]:
    """Give a registered component; its secrets come from the secrets manager of the active stack.

    Raises:
        NotFoundError: nothing of that name is registered.
    """
    profile = open_profile().read()
    known = profile.components.get(kind, {})
    fallback = (kind, name) == (
        DEFAULT_METADATA_STORE.type,
        DEFAULT_METADATA_STORE.name,
    ) and name not in known
    chosen = DEFAULT_METADATA_STORE if fallback else profile.component(kind, name)
    parts = {
        each: record for each, record in active_stack_record().components.items() if each == "secrets_manager"
    }
    record = StackRecord(name=name, components={**parts, kind: component_record(chosen)})
    stack = assemble(record, only={kind})
    with stack.closing:
        yield stack.components[kind]

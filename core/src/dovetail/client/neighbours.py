"""Neighbours: what else knows of the artifacts that a stack keeps, in any profile of this home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dovetail.errors import DovetailError
from dovetail.hashing import canonical_json
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import stack_record
from dovetail.stacks.profile_store import active_profile_name, open_profile, profile_names


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stack whose metadata store is another index of the same artifacts."""

    profile: str
    stack: StackRecord


@dataclass(slots=True)
class Neighbours:
    """Those that were found, and the stacks and profiles, by what people call them, that cannot be read."""

    found: list[Neighbour] = field(default_factory=list)
    unread: dict[str, DovetailError] = field(default_factory=dict)


def neighbours(stack: StackRecord) -> Neighbours:
    """Return the other stacks that keep artifacts where `stack` does, under another metadata store.

    One stands for all that share a metadata store, those of the active profile before others.
    """
    around = Neighbours()
    place = _place(stack, "artifact_store")
    indexes = {_place(stack, "metadata_store")}
    for each in _stacks(around.unread):
        index = _place(each.stack, "metadata_store")
        if _place(each.stack, "artifact_store") == place and index not in indexes:
            indexes.add(index)
            around.found.append(each)
    return around


def _stacks(unread: dict[str, DovetailError]) -> Iterator[Neighbour]:
    active = active_profile_name()
    for name in sorted(profile_names(), key=lambda each: each != active):
        try:
            profile = open_profile(name).read()
        except DovetailError as error:
            unread[f"profile {name!r}"] = error
            continue
        for each in profile.stacks:
            try:
                yield Neighbour(name, stack_record(profile, each))
            except DovetailError as error:
                unread[f"stack {each!r} of profile {name!r}"] = error


def _place(stack: StackRecord, kind: str) -> bytes:
    """Return what tells whether two components are one place; links to a directory do not make another."""
    component = stack.components[kind]
    config = dict(component.config)
    if isinstance(path := config.get("path"), str):
        config["path"] = str(Path(path).expanduser().resolve())
    return canonical_json([component.flavor, config])

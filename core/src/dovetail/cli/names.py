"""Names that a shell completes: of stacks, profiles and components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dovetail.references import load
from dovetail.stacks.profile_store import open_profile, profile_names

Completion = Callable[[click.Context, click.Parameter, str], list[Any]]


def stack_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the stacks of the active profile."""
    return items(dict.fromkeys(open_profile().read().stacks, ""), incomplete)


def all_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the profiles."""
    return items(dict.fromkeys(profile_names(), ""), incomplete)


def component_names(kind: str) -> Completion:
    """Return what offers the components of a type in the active profile."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
        known = open_profile().read().components.get(kind, {})
        return items({name: each.flavor for name, each in known.items()}, incomplete)

    return complete


def items(known: dict[str, str], incomplete: str) -> list[Any]:
    """Return those of `known` (name -> what it is) that begin as the word does, as click wants them."""
    item: Callable[..., Any] = load("click.shell_completion:CompletionItem")
    return [item(name, help=text or None) for name, text in known.items() if name.startswith(incomplete)]

"""Selections: which steps of a pipeline a run is to execute, where it is not all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from dovetail.errors import NotFoundError, UsageError, did_you_mean
from dovetail.planning.graph import Graph, downstream, upstream
from dovetail.records.plan import Plan

Names = str | Iterable[str]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to run: `from_step` and all downstream, `to_step` and all upstream, their intersection where
    both are given, or `only` these; `skip` is taken away from that. Nothing given means every step.

    `base` is the run whose outputs stand in for steps that are not selected; by default the newest run that
    has them.
    """  # noqa: D205 - one sentence, too long for a line

    from_step: tuple[str, ...] = ()
    to_step: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    base: str | None = None

    @classmethod
    def of(
        cls, *, from_step: Names = (), to_step: Names = (), only: Names = (), skip: Names = (),
        base: str | None = None,
    ) -> Self:  # fmt: skip
        """Return the selection of these names, each a text or several.

        Raises:
            UsageError: they contradict each other.
        """
        made = cls(_names(from_step), _names(to_step), _names(only), _names(skip), base)
        if made.only and (made.from_step or made.to_step):
            raise UsageError(
                f"`only` {', '.join(map(repr, made.only))} goes with neither `from` nor `to`",
                hint="`only` names all the steps that run; leave it off, or the others",
            )
        if base is not None and not made.partial:
            raise UsageError(
                f"base run {base!r} is given, but every step is to run",
                hint="choose steps with --from, --to, --only or --skip",
            )
        return made

    @classmethod
    def from_noted(cls, noted: Mapping[str, Any]) -> Self:
        """Return what `noted` has written into the options of a run."""
        known = {each.name for each in fields(cls)} - {"base"}
        given = {name: tuple(names) for name, names in noted.items() if name in known}
        return cls(**given, base=noted.get("base"))

    def noted(self) -> dict[str, Any]:
        """Return the selection as plain JSON values, empty where every step is to run."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(each) if name != "base" else each for name, each in given.items() if each}

    @property
    def partial(self) -> bool:
        """Say whether anything was chosen."""
        return bool(self.from_step or self.to_step or self.only or self.skip)

    def steps(self, graph: Graph) -> set[str]:
        """Return the steps of a graph that are to run.

        Raises:
            NotFoundError: a name is that of no step.
            UsageError: none is left.
        """
        for name in (*self.from_step, *self.to_step, *self.only, *self.skip):
            if name not in graph:
                raise NotFoundError(
                    f"the pipeline has no step {name!r} to select", hint=did_you_mean(name, list(graph))
                )
        chosen = {*self.only} if self.only else {*graph}
        if self.from_step:
            chosen &= {*self.from_step} | downstream(graph, self.from_step)
        if self.to_step:
            chosen &= {*self.to_step} | upstream(graph, self.to_step)
        chosen -= {*self.skip}
        if not chosen:
            raise UsageError(f"no step is left to run: {self}", hint="select at least one step")
        return chosen

    def __str__(self) -> str:
        """Return it as it is written on a command line."""
        flags = {"--from": self.from_step, "--to": self.to_step, "--only": self.only, "--skip": self.skip}
        return " ".join(f"{flag} {name}" for flag, names in flags.items() for name in names)


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def graph_of(plan: Plan) -> dict[str, set[str]]:
    """Return the graph of a plan."""
    return {step.name: step.upstream() for step in plan.steps}


def read_from(plan: Plan, running: Iterable[str]) -> dict[str, set[str]]:
    """Return which other steps the `running` ones read outputs of, each with the names of those it serves."""
    running = {*running}
    found: dict[str, set[str]] = {}
    for step in plan.steps:
        if step.name in running:
            for each in step.inputs.values():
                if each.step not in running:
                    found.setdefault(each.step, set()).add(step.name)
    return found

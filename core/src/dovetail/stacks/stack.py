"""A live stack: the components of a record, built from their implementations, closed together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Component, Reach
from dovetail.components.experiment_tracker import ExperimentTracker
from dovetail.components.metadata_store import MetadataStore
from dovetail.components.orchestrator import Orchestrator
from dovetail.components.visualizer import Visualizer
from dovetail.discovery.index import Index
from dovetail.errors import NotFoundError, PlanError
from dovetail.records.stack import StackRecord

USED_BY_STEPS = ("artifact_store", "experiment_tracker")
"""Types that a step uses in its own process, wherever that is."""
PLACES = {Reach.PROCESS: "in this process", Reach.HOST: "on this machine", Reach.NETWORK: "elsewhere"}


class LiveStack:
    """Components by type, as attributes: `stack.artifact_store`; those of optional types may be None.

    `record` is what it was built from, `home` where components keep files when nothing else is said, and
    `index` what was installed then. Use it as a context manager, or call `close`; `closing` is what that
    unwinds.
    """

    orchestrator: Orchestrator
    artifact_store: ArtifactStore
    metadata_store: MetadataStore
    experiment_tracker: ExperimentTracker | None = None
    visualizer: Visualizer | None = None

    def __init__(
        self,
        record: StackRecord,
        components: Mapping[str, Component],
        home: Path,
        index: Index,
        closing: ExitStack,
    ) -> None:
        self.record = record
        self.components = dict(components)
        self.home = home
        self.index = index
        self.closing = closing
        for kind, component in self.components.items():
            setattr(self, kind, component)

    @property
    def name(self) -> str:
        """Return the name of the stack."""
        return self.record.name

    @property
    def flavors(self) -> dict[str, str]:
        """Return the qualified flavor of every component of the record, by type."""
        return {kind: each.flavor for kind, each in self.record.components.items()}

    def get(self, kind: str) -> Component | None:
        """Return the component of a type, None where the stack has none."""
        return self.components.get(kind)

    def close(self) -> None:
        """Close every component, the last one first, also when one of them fails."""
        self.closing.close()

    def check_reach(self, *, in_process: bool = False, operated: bool = False) -> None:
        """See that what the steps use can be reached from where they run.

        The `reach` of an orchestrator or step operator says how far away it runs steps; `in_process`
        says that this run calls them here, `operated` that some of them go to the step operator.

        Raises:
            PlanError: some of it cannot, with the smallest change that mends it.
        """
        runners = [self.get("orchestrator"), self.get("step_operator") if operated else None]
        for runner in filter(None, runners):
            called = in_process and runner.type == "orchestrator" and runner.reach <= Reach.HOST
            place = Reach.PROCESS if called else runner.reach
            for kind in USED_BY_STEPS:
                used = self.get(kind)
                if used is not None and used.reach < place:
                    raise self._out_of_reach(runner, used, place)

    def _out_of_reach(self, runner: Component, used: Component, place: Reach) -> PlanError:
        option = f"--{used.type.replace('_', '-')}"
        mends = [f"`dovetail stack update {self.name} {option} NAME` with one that is reached from there"]
        if used.reach == Reach.HOST and runner.type == "orchestrator":
            mends.append(f"`dovetail stack update {self.name} --orchestrator local`")
        if used.reach == Reach.PROCESS:
            mends = [f"`dovetail stack update {self.name} {option} local`"] if place == Reach.HOST else mends
        if used.reach == Reach.PROCESS and runner.type == "orchestrator":
            mends.append("run with --in-process")
        return PlanError(
            f"stack {self.name!r} cannot work: {_named(runner)} runs steps {PLACES[place]}, and "
            f"{_named(used)} can be used only {PLACES[used.reach]}",
            hint=", or ".join(mends),
        )

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a component of a third party's type
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.record.components:
            raise AttributeError(f"the {name} of stack {self.name!r} was not asked for")
        if name in LiveStack.__annotations__:
            raise NotFoundError(
                f"stack {self.name!r} has no {name.replace('_', ' ')}",
                hint=f"`dovetail stack update {self.name} --{name.replace('_', '-')} NAME` adds one",
            )
        raise AttributeError(f"stack {self.name!r} has no {name!r}")

    def __enter__(self) -> Self:
        """Return the stack itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Name it and its types."""
        return f"<stack {self.name!r}: {', '.join(self.components)}>"


def _named(component: Component) -> str:
    return f"{component.type.replace('_', ' ')} {component.name!r}"

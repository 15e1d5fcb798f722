"""The plan: what a definition and a stack compile to, complete, immutable and free of paths of a machine."""

from __future__ import annotations

from typing import Any, Literal

from dovetail.records.record import Record


class SourceRef(Record):
    """Where a step's code is found again.

    `module` and `qualname` name the object; `path` is its file relative to the source root in POSIX
    form, None where there is no file in it (a notebook cell, an installed package). `parts` maps what
    the step statically reaches (`module:qualname`, or `module` where it had to be taken whole) to its
    digest; `digest` is taken of all parts and the name. `also` refers to classes whose code counts as if
    the step named them: its own materializers, and what stores and types its inputs.
    """

    module: str
    qualname: str
    path: str | None = None
    digest: str = ""
    parts: dict[str, str] = {}
    also: tuple[str, ...] = ()


class StepInput(Record):
    """An input: the named output of another step."""

    step: str
    output: str


class MaterializerRef(Record):
    """A materializer by its registered name (`builtin/json`), reference and format version.

    `reference` is `module:Class`; a name of the form `custom/...` is one that the user's code brings.
    """

    name: str
    reference: str
    version: int = 1


class OutputPlan(Record):
    """An output of a step: its name, the declared type as text, and what stores it."""

    name: str
    type: str
    materializer: MaterializerRef


class Retry(Record):
    """How often and when a failed step is tried again.

    `attempts` counts all tries; the wait before try n is `delay * backoff ** (n - 2)` seconds, plus up
    to `jitter` of itself. `on` names exception classes (public names); empty means any.
    """

    attempts: int = 1
    delay: float = 0.0
    backoff: float = 2.0
    jitter: float = 0.0
    on: tuple[str, ...] = ()


class StepOptions(Record):
    """What `@step(...)` was told, as far as it is no code. `timeout` is in seconds.

    `step_operator` is the name of one, or True for that of whatever stack the plan runs on.
    """

    enable_cache: bool = True
    retry: Retry = Retry()
    timeout: float | None = None
    step_operator: str | Literal[True] | None = None
    experiment_tracker: str | None = None
    environment: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    on_success: str | None = None
    on_failure: str | None = None
    settings: dict[str, Any] = {}


class StepPlan(Record):
    """One step of a plan. `kind` leaves room for steps that become known only while running."""

    kind: Literal["step"] = "step"
    name: str
    source: SourceRef
    inputs: dict[str, StepInput] = {}
    parameters: dict[str, Any] = {}
    outputs: tuple[OutputPlan, ...] = ()
    after: tuple[str, ...] = ()
    options: StepOptions = StepOptions()

    def upstream(self) -> set[str]:
        """Return the names of the steps that must end before this one starts."""
        return {each.step for each in self.inputs.values()} | set(self.after)


class Plan(Record):
    """A compiled pipeline: steps in an order in which they can run, and what the stack must offer.

    `flavors` maps a component type to the qualified flavor (`wheel/flavor`) it was compiled for;
    `requires` names the wheels that flavors and materializers come from.
    """

    format: Literal[1]
    pipeline: str
    steps: tuple[StepPlan, ...]
    flavors: dict[str, str] = {}
    requires: tuple[str, ...] = ()
    settings: dict[str, Any] = {}

    def operated(self) -> set[str]:
        """Return the names of the steps that go to a step operator."""
        return {each.name for each in self.steps if each.options.step_operator}

"""Step operators: somewhere else for single steps, while the orchestrator keeps the rest of the run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail.components.component import Component
from dovetail.components.orchestrator import StepEnd


@dataclass(frozen=True, slots=True)
class StepSubmission:
    """One attempt to make elsewhere: what to execute, and what it needs there.

    `command` is an argument list, no shell text; its first word is the Python of the launcher, which a place
    with another one replaces. `environment` holds variables to set, `resources` what the step asked for
    (`cpus`, `memory`, `gpus`), `settings` what it said to this flavor. `requirements` and `python` are what
    the step declared of its own environment, `wheels` the distributions that Dovetail needs there, itself
    first; only an operator that `isolates` is given the former two.
    """

    run_id: str
    run_name: str
    step: str
    attempt: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    requirements: Sequence[str] = ()
    python: str | None = None
    wheels: Sequence[str] = ()


class StepOperator(Component):
    """Executes one step at a place of its own.

    An implementation owes:

    1. `submit` returns once the place has taken the attempt over. Submitted again with the same attempt it
       returns the handle of the first and starts nothing.
    2. The handle is text; with it, `attach` in another process goes on where this one stopped, also after
       the attempt has ended.
    3. `wait` returns within about its timeout: None while the attempt goes on, else its end, the same each
       time it is asked.
    4. The end has a reason of the fixed set. A place that has forgotten the attempt gives `lost`; one that
       killed it for its memory or time gives `memory` or `timeout`, and never `error`.
    5. After `cancel` nothing of the attempt runs any more once the grace time has passed; cancelling what
       has ended is no error.
    6. `logs` returns what the attempt has written so far, in order, also after its end.
    7. What the place cannot give (a GPU, that much memory) is refused by `submit` with ConfigurationError.

    An operator whose attempts outlive the process that submitted them says so by `detached`, on the class
    or, where its configuration decides, on the instance: `run resume` then goes on with them, and `run sync`
    takes in what they have reported. Attempts of the others end with the launcher.

    The numbers are those of docs/contracts/step-operator.md and of `dovetail.testing.step_operator`.
    """

    type: ClassVar[str] = "step_operator"
    detached: bool = False
    isolates: ClassVar[bool] = False
    """Whether a step runs in an environment of its own, made of what it declares."""

    @abstractmethod
    def submit(self, submission: StepSubmission) -> str:
        """Hand an attempt over; return its handle."""

    @abstractmethod
    def attach(self, handle: str) -> None:
        """Take over an attempt that another process submitted. Raises NotFoundError for a foreign handle."""

    @abstractmethod
    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        """Return how the attempt ended, None if it still goes on after `timeout` seconds."""

    @abstractmethod
    def cancel(self, handle: str, grace: float) -> None:
        """Ask the attempt to end, and end it after `grace` seconds."""

    @abstractmethod
    def logs(self, handle: str, offset: int = 0) -> bytes:
        """Return what the attempt wrote, from byte `offset` on."""

    def forget(self, handle: str) -> None:
        """Release what the place keeps of an attempt that has ended, its report and logs taken in."""

"""Faults planted in correct implementations, and whether a contract finds them: a test of the tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dovetail.references import reference_to
from dovetail.testing.trial import Outcome, Trial

_Implementation = TypeVar("_Implementation", bound=type[Any])


@dataclass(frozen=True, slots=True)
class Fault:
    """A class that keeps a contract but for one behaviour, `number`.

    `kit` makes the contract class whose fixtures give the faulty implementation. `dependents` are the
    behaviours that cannot hold either where this one does not. `modelled_on` is the address of a report
    of the same fault in another tool.
    """

    number: int
    faulty: type[Any]
    kit: Callable[[type[Any]], type[Any]]
    dependents: frozenset[int] = frozenset()
    modelled_on: str | None = None

    @property
    def name(self) -> str:
        """What is wrong, in the words of the class."""
        return (self.faulty.__doc__ or self.faulty.__name__).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the contract made of one fault: the numbers that failed, and of how many tests."""

    fault: Fault
    failed: frozenset[int | None]
    tests: int

    @property
    def caught(self) -> bool:
        """Say whether its own number failed."""
        return self.fault.number in self.failed

    @property
    def undeclared(self) -> frozenset[int | None]:
        """The numbers that failed besides and are not declared to depend on it."""
        return self.failed - {self.fault.number, None} - self.fault.dependents

    def __str__(self) -> str:
        failed = ", ".join(map(str, sorted(self.failed - {None}, key=str))) or "nothing"
        return f"{self.fault.faulty.__name__} (planted in {self.fault.number}): failed in {failed}"


class Faults:
    """The faults of one contract.

    ::

        FAULTS = Faults(kit)  # kit(implementation) -> a subclass of the contract, with its fixtures


        @FAULTS.plant(6, dependents={2}, modelled_on="https://...")
        class KeepsADirectory(MyStore):
            '''Deleting a directory leaves it.'''

            def delete(self, path): ...

    A test that lasts longer than `patience` seconds has found its fault: nothing came to an end. Where that
    is the rule, many `processes` wait side by side.
    """

    def __init__(
        self,
        kit: Callable[[type[Any]], type[Any]],
        contract: type[Any],
        *,
        patience: float = 30.0,
        processes: int = 2,
    ) -> None:
        self.kit = kit
        self.contract = contract
        self.patience = patience
        self.processes = processes
        self.all: list[Fault] = []

    def plant(
        self, number: int, *, dependents: Collection[int] = (), modelled_on: str | None = None
    ) -> Callable[[_Implementation], _Implementation]:
        """Return a decorator that notes a faulty class."""

        def note(faulty: _Implementation) -> _Implementation:
            # Under this name the child process that runs the contract finds it.
            faulty.kit_on_trial = self.kit(faulty)
            self.all.append(Fault(number, faulty, self.kit, frozenset(dependents), modelled_on))
            return faulty

        return note

    @property
    def numbers(self) -> list[int]:
        """The behaviours that have a fault."""
        return sorted({fault.number for fault in self.all})

    @property
    def sample(self) -> list[Fault]:
        """The first fault of each behaviour."""
        return list({fault.number: fault for fault in reversed(self.all)}.values())[::-1]

    def judge(
        self,
        chosen: Collection[Fault],
        folder: Path,
        *,
        path: tuple[str, ...] = (),
        only_own: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> list[Finding]:
        """Run the contract against the chosen faults, in several processes.

        With `only_own` one test of a fault's own number has to fail, and the tests of the others are not run.
        """
        groups = [list(chosen)[each :: self.processes] for each in range(self.processes)]
        groups = [group for group in groups if group]

        def judged(number: int) -> list[Finding]:
            planted = {f"Test{fault.faulty.__name__}": fault for fault in groups[number]}
            trial = Trial(
                kits={name: f"{reference_to(each.faulty)}.kit_on_trial" for name, each in planted.items()},
                folder=folder / str(number),
                path=path,
                numbers={name: {each.number} for name, each in planted.items()} if only_own else {},
                patience=self.patience,
                environment=environment or {},
                one_failure=only_own,
            )
            return _findings(planted, trial.run())

        with ThreadPoolExecutor(self.processes) as pool:
            return [each for found in pool.map(judged, range(len(groups))) for each in found]


def _findings(planted: Mapping[str, Fault], found: Iterable[Outcome]) -> list[Finding]:
    outcomes: dict[str, list[Outcome]] = {name: [] for name in planted}
    for outcome in found:
        outcomes[outcome.kit].append(outcome)
    return [_finding(planted[name], each) for name, each in outcomes.items()]


def _finding(fault: Fault, outcomes: list[Outcome]) -> Finding:
    failed = frozenset(each.number for each in outcomes if each.result == "failed")
    return Finding(fault, failed, len(outcomes))

"""Faults planted in correct implementations, and whether a contract finds them: a test of the tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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


class Faults:
    """The faults of one contract.

    ::

        FAULTS = Faults(kit)  # kit(implementation) -> a subclass of the contract, with its fixtures


        @FAULTS.plant(6, dependents={2}, modelled_on="https://...")
        class KeepsADirectory(MyStore):
            '''Deleting a directory leaves it.'''

            def delete(self, path): ...

    A test that lasts longer than `patience` seconds has found its fault: nothing came to an end.
    """

    def __init__(
        self, kit: Callable[[type[Any]], type[Any]], contract: type[Any], *, patience: float = 30.0
    ) -> None:
        self.kit = kit
        self.contract = contract
        self.patience = patience
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


def judge(
    faults: Iterable[Fault],
    folder: Path,
    *,
    path: tuple[str, ...] = (),
    only_own: bool = False,
    patience: float = 30.0,
) -> list[Finding]:
    """Run the contract against each fault; with `only_own` only the tests of the fault's own number."""
    planted = {f"Test{fault.faulty.__name__}": fault for fault in faults}
    trial = Trial(
        kits={name: f"{reference_to(fault.faulty)}.kit_on_trial" for name, fault in planted.items()},
        folder=folder,
        path=path,
        numbers={name: {fault.number} for name, fault in planted.items()} if only_own else {},
        patience=patience,
    )
    outcomes: dict[str, list[Outcome]] = {name: [] for name in planted}
    for outcome in trial.run():
        outcomes[outcome.kit].append(outcome)
    return [_finding(planted[name], found) for name, found in outcomes.items()]


def _finding(fault: Fault, outcomes: list[Outcome]) -> Finding:
    failed = frozenset(each.number for each in outcomes if each.result == "failed")
    return Finding(fault, failed, len(outcomes))

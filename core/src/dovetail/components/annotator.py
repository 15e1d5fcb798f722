"""Annotators: data that people label, and the labels they gave."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class DatasetStats:
    """How far a dataset is: items in all, items with at least one accepted label."""

    name: str
    items: int
    labeled: int


@dataclass(frozen=True, slots=True)
class LabeledItem:
    """One item: the id the caller gave it, its data, and its labels by field, empty while it has none."""

    id: str
    data: Mapping[str, Any]
    labels: Mapping[str, Any]


class Annotator(Component):
    """Lets people label data in a tool of their own.

    A dataset has a name and a schema: a mapping of label fields to what they may hold (a list of choices,
    or the name of a type: `text`, `number`, `boxes`).

    An implementation owes:

    1. `create` makes a dataset with its schema; a name that is taken raises ConflictError.
    2. `add` is idempotent by item id: an item that is there keeps its labels.
    3. `labeled` and `unlabeled` together give every item once, in pages, in constant memory.
    4. A label that does not match the schema is never given out as one.
    5. `launch` returns the address at which people label, of a service that outlives the process.
    6. `export` writes all items with their labels; the same labels give the same bytes.
    7. `delete` removes a dataset with its labels; what is not there is no error.
    """

    type: ClassVar[str] = "annotator"

    @abstractmethod
    def datasets(self) -> Sequence[str]:
        """Return the names of all datasets, in order."""

    @abstractmethod
    def create(self, dataset: str, schema: Mapping[str, Any]) -> None:
        """Make an empty dataset."""

    @abstractmethod
    def add(self, dataset: str, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Add items by their ids."""

    @abstractmethod
    def launch(self, dataset: str | None = None) -> str:
        """Start the tool if it does not run; return the URL, that of the dataset if one is named."""

    @abstractmethod
    def stats(self, dataset: str) -> DatasetStats:
        """Return how far a dataset is."""

    @abstractmethod
    def labeled(self, dataset: str) -> Iterator[LabeledItem]:
        """Yield the items that have labels."""

    @abstractmethod
    def unlabeled(self, dataset: str) -> Iterator[LabeledItem]:
        """Yield the items that have none yet."""

    @abstractmethod
    def export(self, dataset: str, target: Path) -> None:
        """Write a dataset with its labels into a new file of JSON lines."""

    @abstractmethod
    def delete(self, dataset: str) -> None:
        """Remove a dataset."""

"""Feature stores: the values that were known at a time, for training, and those known now, for serving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A registered group of features of one kind of entity.

    `keys` are the columns that identify an entity, `features` maps a feature to the name of its type,
    `time_to_live` is how long a value counts, None for ever.
    """

    name: str
    keys: tuple[str, ...]
    features: Mapping[str, str]
    time_to_live: timedelta | None = None


class FeatureStore(Component):
    """Joins features to entities. Features are named `view:feature`; tables are pandas DataFrames.

    An implementation owes:

    1. `historical` gives each row the latest value whose time is not after the row's own: nothing that was
       unknown then ever gets into a training set.
    2. A value older than its view's time to live counts as missing, offline and online.
    3. Rows come back in the order and number in which they were given, missing values as nulls.
    4. After `sync` up to a time, `online` gives what `historical` gives for that time.
    5. `sync` may be repeated and may be interrupted; it never makes an online value older.
    6. An unknown view or feature raises NotFoundError that names it, before anything is read.
    """

    type: ClassVar[str] = "feature_store"

    @abstractmethod
    def views(self) -> Sequence[FeatureView]:
        """Return what is registered, by name."""

    @abstractmethod
    def historical(self, entities: Any, features: Sequence[str], *, time_column: str) -> Any:  # noqa: ANN401 - DataFrames
        """Return `entities` with a column for each feature, as known at each row's time."""

    @abstractmethod
    def online(
        self, entities: Sequence[Mapping[str, Any]], features: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        """Return for each entity its keys and the values that are current in the online store."""

    @abstractmethod
    def sync(self, until: datetime, views: Sequence[str] | None = None) -> None:
        """Bring the online store up to what was known at `until`, for some views or for all."""

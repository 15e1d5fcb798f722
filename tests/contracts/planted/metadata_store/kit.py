"""The contract of metadata stores on the store that faults are planted in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import Lease
from dovetail.components.sql.recording import Recorder
from dovetail.errors import LeaseError
from dovetail.references import reference_to
from dovetail.testing.faults import Faults
from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.store_process import Place


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on stores of this class."""

    class Sqlite(MetadataStoreContract):
        @pytest.fixture
        def place(self, tmp_path: Path) -> Place:
            return Place(reference_to(faulty), tmp_path)

    return Sqlite


FAULTS = Faults(kit, MetadataStoreContract)
CORRECT = SimpleNamespace(sqlite=kit(SqliteMetadataStore))


class Recording(SqliteMetadataStore):
    """A store that records by a recorder of its own."""

    recorder: ClassVar[type[Recorder]] = Recorder

    @contextmanager
    def _recording(
        self, lease: Lease, run_id: str, *, begun: bool = True, durable: bool = False
    ) -> Iterator[Recorder]:
        live = getattr(getattr(lease, "hold", None), "live", True)
        if lease.run_id != run_id or not live:
            raise LeaseError(f"no lease of run {run_id!r}")
        with self.database.writing(durable=durable) as cursor:
            recorder = self.recorder(cursor, self.database.statements, run_id)
            recorder.check(lease, begun=begun)
            yield recorder


class Manual(SqliteMetadataStore):
    """A store that is also written to by hand."""

    def by_hand(self, statement: str, *values: Any) -> list[Any]:
        """Execute one statement in a transaction of its own."""
        with self.database.writing() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

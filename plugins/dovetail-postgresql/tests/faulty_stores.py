"""Faults of metadata stores on servers: numbers 35 to 39 of the contract."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.testing.faults import Faults
from dovetail.testing.server_database import ServerContract
from dovetail.testing.store_process import Place
from dovetail_postgresql.store import PostgresqlMetadataStore


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on stores of this class; the conftest beside has the server."""

    class OnPostgresql(ServerContract):
        @pytest.fixture
        def place(self, tmp_path: Path, settings: dict[str, Any]) -> Place:
            return Place(f"{faulty.__module__}:{faulty.__qualname__}", tmp_path, settings)

    return OnPostgresql


FAULTS = Faults(kit, ServerContract, patience=20.0, processes=3)


@FAULTS.plant(35, dependents={36, 37, 38}, modelled_on="https://github.com/bcgov/entity/issues/288")
class TriesOnce(PostgresqlMetadataStore):
    """A call is made a second time at once, and then no more."""

    def pause(self, error: BaseException | None, tries: int, waited: float) -> float | None:
        found = super().pause(error, tries, waited)
        return None if found is None or tries else 0.0


@FAULTS.plant(36, modelled_on="https://github.com/neochaotic/leoflow/issues/1199")
class LosesItsLease(PostgresqlMetadataStore):
    """A lock whose session is gone is not taken again."""

    def epoch_of(self, run_id: str) -> int | None:
        return None


@FAULTS.plant(37, modelled_on="https://github.com/JasperFx/wolverine/issues/2602")
class TrustsItsMemory(PostgresqlMetadataStore):
    """Who once had the lease writes, whoever has it now."""

    def _recording(self, lease: Any, run_id: str, **how: Any) -> Any:
        now = SimpleNamespace(run_id=lease.run_id, epoch=self.epoch_of(run_id))
        return super()._recording(now, run_id, **how)  # type: ignore[arg-type]


@FAULTS.plant(
    38, dependents={35, 36, 37}, modelled_on="https://github.com/nikita-volkov/hasql-pool/issues/41"
)
class FailsTheFirstTime(PostgresqlMetadataStore):
    """The first call on a connection that was dropped fails."""

    def lost(self, error: BaseException) -> bool:
        return False


@FAULTS.plant(39)
class LeavesItsSocketToChildren(PostgresqlMetadataStore):
    """A forked child keeps the session of its parent open."""

    def session(self) -> Any:
        return self.connect()

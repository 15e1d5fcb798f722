"""Faults of metadata stores in opening, and in leases."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dovetail.builtin.sqlite import SqliteMetadataStore
from dovetail.components.metadata_store import Lease
from dovetail.components.sql.recording import Recorder
from dovetail.components.sql.store import SqlLease
from planted.metadata_store.kit import FAULTS, Manual


@FAULTS.plant(1, dependents={28}, modelled_on="https://github.com/mlflow/mlflow/pull/24321")
class OpensAlone(SqliteMetadataStore):
    """Two who find no tables both make them."""

    def exclusive(self) -> AbstractContextManager[None]:
        return nullcontext()

    def before_creation(self) -> None:
        super().before_creation()
        if multiprocessing.parent_process() is not None:  # one of eight; the slowest may be so far behind
            time.sleep(3.0)


@FAULTS.plant(2)
class ForgetsWhenOpened(Manual):
    """Opening what is open begins anew."""

    def open(self) -> None:
        if self._database is not None:
            self.by_hand("DELETE FROM runs")
        super().open()


@FAULTS.plant(3, dependents={27, 28})
class ForgetsWhenClosed(Manual):
    """What was recorded goes with the store that recorded it."""

    def close(self) -> None:
        if self._database is not None:
            self.by_hand("DELETE FROM runs")
        super().close()


class _Always:
    live = True

    def release(self) -> None:
        """Release nothing."""


@FAULTS.plant(4, dependents={5}, modelled_on="https://github.com/apache/airflow/issues/22068")
class LendsTwice(SqliteMetadataStore):
    """A run that somebody has is given to the next who asks."""

    def hold(self, run_id: str) -> Any:
        return super().hold(run_id) or _Always()


@FAULTS.plant(5, dependents={7, 20, 29}, modelled_on="https://github.com/dagster-io/dagster/issues/4319")
class HoldsBeyondDeath(SqliteMetadataStore):
    """Who dies keeps what he held."""

    def hold(self, run_id: str) -> Any:
        mark = Path(f"{self.path}.{run_id}.held")
        with suppress(FileExistsError):
            mark.touch(exist_ok=False)
            hold = SimpleNamespace(live=True)

            def release() -> None:
                hold.live = False
                mark.unlink(missing_ok=True)

            hold.release = release
            return hold
        return None

    def held(self, run_ids: Sequence[str]) -> set[str]:
        return {each for each in run_ids if Path(f"{self.path}.{each}.held").exists()}


@FAULTS.plant(6)
class CountsFromOne(Manual):
    """The epoch of a run begins anew with each who takes it."""

    def acquire(self, run_id: str) -> SqlLease:
        if not self.held([run_id]):
            self.by_hand("DELETE FROM leases WHERE run_id = ?", run_id)
        return super().acquire(run_id)


@FAULTS.plant(7, dependents={20})
class KnowsOnlyItsOwn(SqliteMetadataStore):
    """A run that another process holds seems free."""

    def held(self, run_ids: Sequence[str]) -> set[str]:
        mine = self.__dict__.setdefault("_mine", {})
        return {each for each in run_ids if each in mine and mine[each].live}

    def hold(self, run_id: str) -> Any:
        found = super().hold(run_id)
        if found is not None:
            self.__dict__.setdefault("_mine", {})[run_id] = found
        return found


@FAULTS.plant(8)
class LeavesItToItsChildren(SqliteMetadataStore):
    """A forked child keeps what its parent gave up."""

    def hold(self, run_id: str) -> Any:
        descriptor = self._lock(run_id)
        if descriptor is None:
            return None
        hold = SimpleNamespace(live=True)

        def release() -> None:
            if hold.live:
                hold.live = False
                os.close(descriptor)

        hold.release = release
        return hold

    def _lock(self, run_id: str) -> int | None:
        descriptor = os.open(f"{self.path}.{run_id}.lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def held(self, run_ids: Sequence[str]) -> set[str]:
        found = set()
        for each in run_ids:
            if (descriptor := self._lock(each)) is None:
                found.add(each)
            else:
                os.close(descriptor)
        return found


@FAULTS.plant(9, modelled_on="https://github.com/PrefectHQ/prefect/issues/16429")
class ListensToThePast(SqliteMetadataStore):
    """Who has lost a run goes on writing to it."""

    @contextmanager
    def _recording(
        self, lease: Lease, run_id: str, *, begun: bool = True, durable: bool = False
    ) -> Iterator[Recorder]:
        with self.database.writing(durable=durable) as cursor:
            cursor.execute("SELECT epoch FROM leases WHERE run_id = ?", (run_id,))
            row = cursor.fetchone() or (lease.epoch,)
            recorder = Recorder(cursor, self.database.statements, run_id)
            recorder.check(SimpleNamespace(run_id=run_id, epoch=row[0], release=None), begun=begun)
            yield recorder

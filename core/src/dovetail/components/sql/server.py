"""ServerMetadataStore: the base of metadata stores on a database server, which can be away for a while."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.component import ComponentConfig
from dovetail.components.sql.outage import Outage
from dovetail.components.sql.persistence import persistent
from dovetail.components.sql.session_hold import SessionHold
from dovetail.components.sql.sockets import track
from dovetail.components.sql.store import SqlLease, SqlMetadataStore

_PAUSES = (0.05, 2.0)
_COLLISIONS = 20


class ServerMetadataStore(SqlMetadataStore):
    """Keeps facts on a server, and leases as locks of sessions there.

    A subclass gives, beyond what SqlMetadataStore wants, the methods below. What they raise are the
    driver's errors, of which `lost` and `collided` tell those that pass.
    """

    patience: float = 60.0
    """For how many seconds a store that was open waits for a server that is away, all calls together.

    When they are over, each call tries once, until one is answered.
    """
    connection_errors: ClassVar[tuple[type[BaseException], ...]] = (OSError,)
    """What the driver raises when no connection can be made."""

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self._holds: WeakSet[SessionHold] = WeakSet()
        self._outage = Outage(name)

    @abstractmethod
    def connect(self) -> Any:  # noqa: ANN401 - a connection of the driver
        """Return a new connection, which commits each statement unless a transaction was begun."""

    @abstractmethod
    def try_lock(self, session: Any, run_id: str) -> bool:  # noqa: ANN401 - a connection of the driver
        """Lock a run for a session, and say whether that was possible; waits for nobody."""

    @abstractmethod
    def locked(self, cursor: DBAPICursor, run_ids: Sequence[str]) -> set[str]:
        """Return those of the runs that some session has locked; writes nothing."""

    @abstractmethod
    def unlock(self, session: Any, run_id: str) -> None:  # noqa: ANN401 - a connection of the driver
        """Free the lock of a run."""

    @abstractmethod
    def ping(self, session: Any) -> None:  # noqa: ANN401 - a connection of the driver
        """Raise unless the session is there."""

    @abstractmethod
    def socket_of(self, session: Any) -> int:  # noqa: ANN401 - a connection of the driver
        """Return the number of the session's socket; raises where it is closed."""

    @abstractmethod
    def collided(self, error: BaseException) -> bool:
        """Say whether somebody else was faster, so that a transaction can be tried again at once."""

    def session(self) -> Any:  # noqa: ANN401 - a connection of the driver
        """Return a new connection that no forked child shares."""
        made = self.connect()
        track(made, self.socket_of)
        return made

    def pause(self, error: BaseException | None, tries: int, waited: float) -> float | None:
        shortest, longest = _PAUSES
        if error is None or self._database is None:
            return None
        if self.collided(error):
            return random.uniform(0, shortest) if tries < _COLLISIONS else None  # noqa: S311
        # A call that is lost each time ends, too, while others are answered.
        if self.lost(error) and self._outage.waited_for(self.patience) and waited < self.patience:
            return min(shortest * 2.0**tries, longest)
        return None

    def answered(self) -> None:
        self._outage.end()

    def try_server(self) -> None:
        """Connect once, and change nothing.

        Raises:
            StoreError: the server is away, or lets nobody in.
        """
        try:
            self.session().close()
        except self.connection_errors as error:
            raise self.refusal(error) from error  # type: ignore[arg-type]

    @persistent
    def held(self, run_ids: Sequence[str]) -> set[str]:
        if not run_ids:
            return set()
        with self.database.reading() as cursor:
            return self.locked(cursor, run_ids)

    def hold(self, run_id: str) -> SessionHold | None:
        try:
            session = self.take(run_id)
        except self.connection_errors as error:
            raise self.refusal(error) from error  # type: ignore[arg-type]
        if session is None:
            return None
        hold = SessionHold(self, run_id, session)
        self._holds.add(hold)
        return hold

    def close(self) -> None:
        """Give up what is still held, then all connections."""
        for hold in list(self._holds):
            hold.release()
        super().close()

    def acquire(self, run_id: str) -> SqlLease:
        lease = super().acquire(run_id)
        if isinstance(lease.hold, SessionHold):
            lease.hold.keep(lease.epoch)
        return lease

    def take(self, run_id: str) -> Any:  # noqa: ANN401 - a connection of the driver, or None
        """Return a new session that has the lock of a run; None while another one has it."""
        session = self.session()
        try:
            if self.try_lock(session, run_id):
                return session
        except BaseException:
            session.close()
            raise
        session.close()
        return None

    def give_up(self, session: Any, run_id: str) -> None:  # noqa: ANN401 - a connection of the driver
        """Free the lock of a run and end the session that has it."""
        try:
            self.unlock(session, run_id)
        finally:
            session.close()

    def epoch_of(self, run_id: str) -> int | None:
        """Return the epoch of a run, None where it is not known."""
        found = self._rows({"at_run_id": run_id}, "leases", ("epoch",), ("run_id",))
        return int(found[0][0]) if found else None

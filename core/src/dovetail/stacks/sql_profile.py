"""A profile in a database: one row, changed only by who has seen its newest version."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dovetail.errors import ConfigurationError, ConflictError, StoreError
from dovetail.stacks.profile import Profile

T = TypeVar("T")
TRIES = 50
_BUSY = 60

_metadata = MetaData()
_profiles = Table(
    "dovetail_profiles",
    _metadata,
    Column("name", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
)


class SqlProfile:
    """The profile `name` in the database at `url`; whoever has the URL and the name shares it.

    Its table is made when the profile is first changed.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        try:
            self._url = make_url(url)
            waits = {"timeout": _BUSY} if self._url.get_backend_name() == "sqlite" else {}
            # No pool: a command connects once, and nothing is left open behind it.
            self._engine: Engine = create_engine(self._url, poolclass=NullPool, connect_args=waits)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise ConfigurationError(
                f"the URL of profile {name!r} cannot be used: {error}",
                hint="a SQLAlchemy URL is expected, and its driver has to be installed",
            ) from error

    @property
    def place(self) -> str:
        """Return the URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def read(self) -> Profile:
        """Return what the row says; without a row the profile is as new."""
        return self._read()[0]

    def edit(self, changes: Callable[[Profile], T]) -> T:
        """Apply `changes` to the newest version, again when another process was faster."""
        self._guarded(self._make_table)
        for attempt in range(TRIES):
            profile, version = self._read()
            result = changes(profile)
            if self._guarded(lambda: self._write(profile, version)):  # noqa: B023 - called at once
                return result
            time.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - only spreads who waits
        raise ConflictError(
            f"profile {self.name!r} was changed by others {TRIES} times in a row", hint="try again"
        )

    def remove(self) -> None:
        """Remove the row."""
        self._guarded(self._delete)

    def _read(self) -> tuple[Profile, int]:
        row = self._guarded(self._row)
        if row is None:
            return Profile.new(self.name), 0
        version, text = row
        try:
            document = json.loads(text)
        except ValueError as error:
            raise StoreError(
                f"profile {self.name!r} in {self.place} is damaged: {error}", hint="restore it"
            ) from error
        return Profile.from_document(self.name, document, self.place), version

    def _row(self) -> tuple[int, str] | None:
        wanted = select(_profiles.c.version, _profiles.c.document).where(_profiles.c.name == self.name)
        with self._engine.connect() as connection:
            if not self._engine.dialect.has_table(connection, _profiles.name):
                return None
            row = connection.execute(wanted).one_or_none()
        return None if row is None else (row.version, row.document)

    def _write(self, profile: Profile, version: int) -> bool:
        """Write the version after `version`; say whether that one was the newest.

        One statement in its own transaction: it takes the write lock at once, or waits for it.
        """
        values: dict[str, Any] = {"version": version + 1, "document": json.dumps(profile.document())}
        try:
            with self._engine.begin() as connection:
                if version == 0:
                    connection.execute(insert(_profiles).values(name=self.name, **values))
                    return True
                newest = (_profiles.c.name == self.name) & (_profiles.c.version == version)
                return bool(connection.execute(update(_profiles).where(newest).values(**values)).rowcount)
        except IntegrityError:
            return False

    def _delete(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(_profiles.delete().where(_profiles.c.name == self.name))

    def _make_table(self) -> None:
        """Make the table; when another process makes it at the same time, that is as good."""
        try:
            _metadata.create_all(self._engine)
        except DBAPIError:
            with self._engine.connect() as connection:
                if not self._engine.dialect.has_table(connection, _profiles.name):
                    raise

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(
                f"profile {self.name!r} in {self.place} cannot be reached: {cause}",
                hint="check that the database is there and may be written, or `dovetail profile set default`",
            ) from error

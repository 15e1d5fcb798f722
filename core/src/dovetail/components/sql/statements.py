"""The statements of a metadata store, each compiled once for the database's dialect.

They are written in SQLAlchemy Core and executed as text on the driver's own cursor: building, caching
and executing a Core construct costs ten times what SQLite needs to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Dialect,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
)
from sqlalchemy import select as choose
from sqlalchemy import update as change
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.sql import schema
from dovetail.components.sql.rows import ARTIFACT, RUN, STEP_RUN

CHUNK = 200
"""How many values at most one IN list holds; drivers have bounds on parameters."""


class Statement:
    """A statement as text in the driver's own style of parameters."""

    __slots__ = ("_constants", "_names", "text")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect)
        self.text: str = str(compiled)
        self._names: list[str] | None = compiled.positiontup
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    def bound(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a tuple or a dict, as the driver wants
        """Return `values` in the form the driver takes."""
        if self._constants:
            values = {**self._constants, **values}
        if self._names is None:
            return values
        return tuple([values[name] for name in self._names])


# Compiled statements by kind of dialect: text, which any store of that kind can use.
_compiled: dict[tuple[str, str, str], dict[tuple[Any, ...], Statement]] = {}


class Statements:
    """The statements of one store, compiled when first used in this process."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        kind = (dialect.name, dialect.driver, dialect.paramstyle)
        self._compiled = _compiled.setdefault(kind, {})

    def __call__(self, build: Callable[..., ClauseElement], *choice: Any) -> Statement:
        """Return what `build(*choice)` makes, compiled."""
        key = (build, *choice)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = Statement(build(*choice), self._dialect)
        return found

    def run(
        self,
        cursor: DBAPICursor,
        values: Mapping[str, Any],
        build: Callable[..., ClauseElement],
        *choice: Any,
    ) -> DBAPICursor:
        """Execute a statement; return the cursor to fetch from."""
        statement = self(build, *choice)
        cursor.execute(statement.text, statement.bound(values))
        return cursor

    def run_many(
        self,
        cursor: DBAPICursor,
        rows: Sequence[Mapping[str, Any]],
        build: Callable[..., ClauseElement],
        *choice: Any,
    ) -> None:
        """Execute a statement once for each of `rows`."""
        if rows:
            statement = self(build, *choice)
            cursor.executemany(statement.text, [statement.bound(row) for row in rows])


def _columns(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in names]


def _equals(table: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return a condition for each name; its parameter is called `at_<name>`."""
    return [table.c[name] == bindparam(f"at_{name}") for name in names]


def put_in(table: str, columns: tuple[str, ...]) -> ClauseElement:
    """Insert a row."""
    chosen = schema.TABLES.tables[table]
    return insert(chosen).inline().values({name: bindparam(name) for name in columns})


def alter(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> ClauseElement:
    """Update the row whose `key` is given as `at_<name>`."""
    chosen = schema.TABLES.tables[table]
    return change(chosen).where(*_equals(chosen, key)).values({name: bindparam(name) for name in columns})


def take_out(table: str, key: tuple[str, ...]) -> ClauseElement:
    """Delete the rows whose `key` is given as `at_<name>`."""
    chosen = schema.TABLES.tables[table]
    return delete(chosen).where(*_equals(chosen, key))


def pick(table: str, columns: tuple[str, ...], key: tuple[str, ...], order: str | None = None) -> Select[Any]:
    """Select the rows whose `key` is given as `at_<name>`."""
    chosen = schema.TABLES.tables[table]
    found = choose(*_columns(chosen, columns)).where(*_equals(chosen, key))
    return found if order is None else found.order_by(chosen.c[order])


def pick_any(
    table: str, columns: tuple[str, ...], key: tuple[str, ...], among: str, count: int
) -> Select[Any]:
    """Select the rows of `key` whose column `among` is one of `count` values, `any_0` and so on."""
    chosen = schema.TABLES.tables[table]
    wanted = chosen.c[among].in_([bindparam(f"any_{index}") for index in range(count)])
    return choose(*_columns(chosen, columns)).where(*_equals(chosen, key), wanted)


def keep(table: str, column: str) -> ClauseElement:
    """Select one row by its `column`; nobody else can delete it until the transaction ends."""
    return pick(table, (column,), (column,)).with_for_update(read=True)


def keep_any(table: str, column: str, count: int) -> ClauseElement:
    """Select rows as `pick_any` does; nobody else can delete them until the transaction ends."""
    return pick_any(table, (column,), (), column, count).order_by(column).with_for_update(read=True)


def seize_any(table: str, column: str, count: int) -> ClauseElement:
    """Select rows as `pick_any` does, to delete them: nobody can `keep` them any more."""
    return pick_any(table, (column,), (), column, count).order_by(column).with_for_update()


def any_of(wanted: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Return size and values for `pick_any`: a power of two, so that few lengths are ever compiled."""
    size = 1 << (len(wanted) - 1).bit_length()
    padded = [*wanted, *[wanted[-1]] * (size - len(wanted))]
    return size, {f"any_{index}": each for index, each in enumerate(padded)}


def page_by_key(table: str, columns: tuple[str, ...], key: str, further: bool) -> ClauseElement:  # noqa: FBT001
    """Select a page of all rows in the order of `key`; a `further` one begins behind `after`."""
    chosen = schema.TABLES.tables[table]
    page = choose(*_columns(chosen, columns)).order_by(chosen.c[key]).limit(bindparam("limit"))
    return page.where(chosen.c[key] > bindparam("after")) if further else page


def size_of(table: str) -> ClauseElement:
    """Count the rows of a table."""
    return choose(func.count()).select_from(schema.TABLES.tables[table])


def lease_for_update() -> ClauseElement:
    """Select a run's epoch and pipeline, and keep others from taking it until the transaction ends."""
    table = schema.leases
    run = schema.runs
    pipeline = choose(run.c.pipeline).where(run.c.id == bindparam("at_run_id")).scalar_subquery()
    return choose(table.c.epoch, pipeline).where(table.c.run_id == bindparam("at_run_id")).with_for_update()


def newest_of_key() -> ClauseElement:
    """Select the newest completed step run of a cache key."""
    table = schema.step_runs
    return (
        choose(*_columns(table, STEP_RUN))
        .where(table.c.cache_key == bindparam("at_cache_key"), table.c.status == bindparam("at_status"))
        .order_by(table.c.sequence.desc())
        .limit(1)
    )


def page_of_runs(conditions: tuple[str, ...]) -> ClauseElement:
    """Select a page of runs; each condition is a column, or `before`, `id_prefix`, `name_prefix`."""
    return _page(schema.runs, RUN, schema.runs.c.sequence, conditions)


def page_of_artifacts(conditions: tuple[str, ...]) -> ClauseElement:
    """Select a page of artifacts; each condition is a column, `before` or `id_prefix`."""
    return _page(schema.artifacts, ARTIFACT, schema.artifacts.c.id, conditions)


def page_of_unreferenced(conditions: tuple[str, ...]) -> ClauseElement:
    """Select a page of artifacts that no step run has or reads; conditions as for `page_of_artifacts`."""
    artifact = schema.artifacts.c.id
    linked = exists().where(schema.links.c.artifact_id == artifact)
    return _page(schema.artifacts, ARTIFACT, artifact, conditions).where(~linked)


def _page(
    table: Table, columns: Sequence[str], order: ColumnElement[Any], conditions: tuple[str, ...]
) -> Select[Any]:
    page = choose(*_columns(table, columns)).order_by(order.desc()).limit(bindparam("limit"))
    for condition in conditions:
        if condition == "before":
            page = page.where(order < bindparam("before"))
        elif condition.endswith("_prefix") and condition not in table.c:
            column = table.c[condition.removesuffix("_prefix")]
            page = page.where(column >= bindparam("from"), column < bindparam("to"))
        else:
            page = page.where(*_equals(table, (condition,)))
    return page


def runs_by_pipeline() -> ClauseElement:
    """Select name, number of runs and time of the newest start of every pipeline."""
    table = schema.runs
    groups = (
        choose(table.c.pipeline, func.count().label("runs"), func.max(table.c.sequence).label("newest"))
        .group_by(table.c.pipeline)
        .subquery("groups")
    )
    return (
        choose(groups.c.pipeline, groups.c.runs, table.c.started)
        .join(table, table.c.sequence == groups.c.newest)
        .order_by(groups.c.pipeline)
    )


def readers_of_artifact() -> ClauseElement:
    """Select the step runs that have an artifact among their inputs, in the order of recording."""
    table = schema.step_runs
    readers = pick("links", ("run_id", "step"), ("artifact_id", "kind")).distinct().subquery("readers")
    return (
        choose(*_columns(table, STEP_RUN))
        .join(readers, (readers.c.run_id == table.c.run_id) & (readers.c.step == table.c.step))
        .order_by(table.c.sequence)
    )

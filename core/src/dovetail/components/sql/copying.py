"""All facts of one metadata store into another, and the digest that tells whether two hold the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail.components.metadata_store import RunQuery
from dovetail.components.sql.database import Database
from dovetail.components.sql.recording import LINK, links_of
from dovetail.components.sql.rows import Row
from dovetail.components.sql.schema import TABLES
from dovetail.components.sql.statements import page_by_key, put_in
from dovetail.components.sql.store import SqlMetadataStore
from dovetail.errors import ConflictError, StoreError
from dovetail.hashing import Hasher, canonical_json
from dovetail.records.run import Status

KEYS = {
    "plans": "digest",
    "leases": "run_id",
    "runs": "sequence",
    "step_runs": "sequence",
    "attempts": "sequence",
    "artifacts": "id",
    "metrics": "sequence",
}
"""The tables that hold facts, with the column that orders them; `links` follow from the step runs."""

_PAGE = 500

Told: TypeAlias = Callable[[str, int], None]
"""Is told what is being done, and with how many records so far."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, or would be: records by kind, and the digest of all of them.

    `there` says that the target held the same already.
    """

    counts: Mapping[str, int]
    digest: str
    there: bool


def digest_of(store: SqlMetadataStore, told: Told) -> tuple[str, dict[str, int]]:
    """Return the digest of all facts of a store, and how many there are of each kind."""

    def pages(table: str) -> Iterator[list[Row]]:
        after = None
        while page := _page(store, table, after):
            yield page
            after = page[-1][_columns(table).index(KEYS[table])]

    return _digest(pages, lambda table, count: told(f"reading {table} of {store.name}", count))


def copy(source: SqlMetadataStore, target: SqlMetadataStore, told: Told, *, dry_run: bool = False) -> Copied:
    """Copy everything in one transaction of the target, with sequence numbers and epochs as they are.

    Raises:
        ConflictError: a run goes on in one of them, the target holds something else, or the source was
            written to meanwhile.
    """
    for store in (source, target):
        _refuse_live_runs(store)
    digest, counts = digest_of(source, told)
    if any(target.count().values()):
        if digest_of(target, told)[0] == digest:
            return Copied(counts, digest, there=True)
        raise ConflictError(
            f"metadata store {target.name!r} is not empty, and does not hold the same as {source.name!r}",
            hint="copy into a fresh one",
        )
    if not dry_run:
        with target.database.writing(durable=True) as cursor:
            _fill(cursor, source, target, told)
            if _digest(lambda table: _written(cursor, target.database, table), told)[0] != digest:
                raise ConflictError(
                    f"metadata store {source.name!r} was written to while it was copied",
                    hint=f"nothing is in {target.name!r}; try again when no command changes the source",
                )
    return Copied(counts, digest, there=False)


def _refuse_live_runs(store: SqlMetadataStore) -> None:
    for status in (Status.PENDING, Status.RUNNING):
        for run in store.runs(RunQuery(status=status, limit=1)):
            raise ConflictError(
                f"run {run.name!r} goes on in metadata store {store.name!r}",
                hint=f"wait until it has ended, or end it: dovetail run cancel {run.name}",
            )


def _fill(cursor: DBAPICursor, source: SqlMetadataStore, target: SqlMetadataStore, told: Told) -> None:
    statements = target.database.statements
    for table, key in KEYS.items():
        columns, after, count = _columns(table), None, 0
        while page := _page(source, table, after):
            rows = [dict(zip(columns, row, strict=True)) for row in page]
            statements.run_many(cursor, rows, put_in, table, columns)
            if table == "step_runs":
                links = [dict(zip(LINK, link, strict=True)) for row in rows for link in _links(row)]
                statements.run_many(cursor, links, put_in, "links", LINK)
            after, count = rows[-1][key], count + len(rows)
            told(f"writing {table} into {target.name}", count)
    target.continue_counting(cursor)


def _links(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for artifact, step, kind, name in links_of(
        row["step"], json.loads(row["inputs"]), json.loads(row["outputs"])
    ):
        yield artifact, row["run_id"], step, kind, name


def _columns(table: str) -> tuple[str, ...]:
    return tuple(column.name for column in TABLES.tables[table].columns)


def _page(store: SqlMetadataStore, table: str, after: object) -> list[Row]:
    with store.database.reading() as cursor:
        return _read(cursor, store.database, table, after)


def _read(cursor: DBAPICursor, database: Database, table: str, after: object) -> list[Row]:
    values = {"after": after, "limit": _PAGE}
    choice = (table, _columns(table), KEYS[table], after is not None)
    return [tuple(row) for row in database.statements.run(cursor, values, page_by_key, *choice).fetchall()]


def _written(cursor: DBAPICursor, database: Database, table: str) -> Iterator[list[Row]]:
    after = None
    while page := _read(cursor, database, table, after):
        yield page
        after = page[-1][_columns(table).index(KEYS[table])]


def _digest(pages: Callable[[str], Iterator[list[Row]]], told: Told) -> tuple[str, dict[str, int]]:
    hasher, counts = Hasher(), {}
    for table in KEYS:
        counts[table] = 0
        hasher.update(canonical_json([table, *_columns(table)]))
        for page in pages(table):
            for row in page:
                hasher.update(canonical_json(list(row)))
            counts[table] += len(page)
            told(table, counts[table])
    return hasher.digest(), counts


def sql_store(store: object, name: str) -> SqlMetadataStore:
    """Return the store if its facts can be copied.

    Raises:
        StoreError: it does not keep them in tables.
    """
    if isinstance(store, SqlMetadataStore):
        return store
    raise StoreError(
        f"metadata store {name!r} does not keep its facts in tables",
        hint="only stores on relational databases can be copied and migrated",
    )

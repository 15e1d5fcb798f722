"""The tables of a metadata store, as SQLite, PostgreSQL and MariaDB all can have them.

Times are microseconds since 1970 in BIGINT, JSON is text, every indexed text has a length, and text is
compared byte by byte whatever the server's locale. What changes here needs a migration next to it in
`dovetail.components.sql.migrations.versions`, and a higher version.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

_LONGEST_TEXT = 2**32 - 1
_MARIADB = ("mysql", "mariadb")
_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in _MARIADB
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
TYPE_PREFIX = 200
"""How many characters of an artifact's type are indexed."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A set of tables, its version, and the folder of the migrations that lead to it.

    `version` is the number of the newest migration, whose revision is that number in four digits.
    """

    version: int
    tables: MetaData
    migrations: Path

    @property
    def revision(self) -> str:
        """Return the revision that alembic knows this version by."""
        return revision_of(self.version)


def revision_of(version: int) -> str:
    """Return alembic's revision of a version of the schema."""
    return f"{version:04}"


def short(length: int) -> TypeEngine[str]:
    """Return the type of a text that may be indexed."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def long() -> TypeEngine[str]:
    """Return the type of a text of any length."""
    return Text().with_variant(Text(_LONGEST_TEXT), *_MARIADB)


def counter() -> TypeEngine[int]:
    """Return the type of a number that grows by itself (SQLite counts only in INTEGER)."""
    return BigInteger().with_variant(Integer(), "sqlite")


TABLES = MetaData()

version = Table(
    "alembic_version",
    TABLES,
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""One row, kept in the form that alembic reads and writes."""

plans = Table(
    "plans",
    TABLES,
    Column("digest", short(80), primary_key=True),
    Column("content", long(), nullable=False),
    **_OPTIONS,
)

leases = Table(
    "leases",
    TABLES,
    Column("run_id", short(32), primary_key=True),
    Column("epoch", BigInteger(), nullable=False),
    Column("owner", short(255), nullable=False),
    Column("taken", BigInteger(), nullable=False),
    **_OPTIONS,
)
"""How often each run was taken, and by whom last. Who holds it now, only the lock itself tells."""

runs = Table(
    "runs",
    TABLES,
    Column("sequence", counter(), primary_key=True, autoincrement=True),
    Column("id", short(32), nullable=False),
    Column("name", short(200), nullable=False),
    Column("pipeline", short(100), nullable=False),
    Column("plan_digest", short(80), nullable=False),
    Column("status", short(16), nullable=False),
    Column("epoch", BigInteger(), nullable=False),
    Column("started", BigInteger(), nullable=False),
    Column("finished", BigInteger()),
    Column("duration", Double()),
    Column("code_commit", short(80)),
    Column("dirty", SmallInteger()),
    Column("host", short(255), nullable=False),
    Column("parent", short(32)),
    Column("source_root", long(), nullable=False),
    Column("stack", long(), nullable=False),
    Column("versions", long(), nullable=False),
    Column("options", long(), nullable=False),
    Column("error", long()),
    Index("runs_id", "id", unique=True),
    Index("runs_name", "name", "sequence"),
    Index("runs_pipeline", "pipeline", "sequence"),
    Index("runs_pipeline_status", "pipeline", "status", "sequence"),
    Index("runs_status", "status", "sequence"),
    Index("runs_plan", "plan_digest"),
    sqlite_autoincrement=True,
    **_OPTIONS,
)

step_runs = Table(
    "step_runs",
    TABLES,
    Column("sequence", counter(), primary_key=True, autoincrement=True),
    Column("run_id", short(32), nullable=False),
    Column("step", short(200), nullable=False),
    Column("status", short(16), nullable=False),
    Column("cache_key", short(80), nullable=False),
    Column("started", BigInteger()),
    Column("finished", BigInteger()),
    Column("duration", Double()),
    Column("attempts", BigInteger(), nullable=False),
    Column("cached_from", short(32)),
    Column("inputs", long(), nullable=False),
    Column("outputs", long(), nullable=False),
    Column("parameters", long(), nullable=False),
    Column("error", long()),
    Index("step_runs_step", "run_id", "step", unique=True),
    Index("step_runs_key", "cache_key", "status", "sequence"),
    **_OPTIONS,
)

attempts = Table(
    "attempts",
    TABLES,
    Column("sequence", counter(), primary_key=True, autoincrement=True),
    Column("id", short(32), nullable=False),
    Column("run_id", short(32), nullable=False),
    Column("step", short(200), nullable=False),
    Column("number", BigInteger(), nullable=False),
    Column("status", short(16), nullable=False),
    Column("started", BigInteger(), nullable=False),
    Column("finished", BigInteger()),
    Column("duration", Double()),
    Column("reason", short(32)),
    Column("error", long()),
    Column("traceback", long()),
    Column("log", long()),
    Index("attempts_id", "id", unique=True),
    Index("attempts_step", "run_id", "step", "sequence"),
    **_OPTIONS,
)

artifacts = Table(
    "artifacts",
    TABLES,
    Column("id", short(32), primary_key=True),
    Column("run_id", short(32), nullable=False),
    Column("pipeline", short(100), nullable=False),
    Column("step", short(200), nullable=False),
    Column("output", short(200), nullable=False),
    Column("type_prefix", short(TYPE_PREFIX), nullable=False),
    Column("type", long(), nullable=False),
    Column("materializer", long(), nullable=False),
    Column("digest", short(80), nullable=False),
    Column("size", BigInteger(), nullable=False),
    Column("files", long(), nullable=False),
    Column("summary", long(), nullable=False),
    Column("metadata", long(), nullable=False),
    Column("created", BigInteger(), nullable=False),
    Index("artifacts_run", "run_id", "id"),
    Index("artifacts_pipeline", "pipeline", "id"),
    Index("artifacts_type", "type_prefix", "id"),
    **_OPTIONS,
)
"""Artifacts; `pipeline` is that of their run, here so that the newest of a pipeline need no sorting."""

links = Table(
    "links",
    TABLES,
    Column("artifact_id", short(32), primary_key=True),
    Column("run_id", short(32), primary_key=True),
    Column("step", short(200), primary_key=True),
    Column("kind", short(8), primary_key=True),
    Column("name", short(200), primary_key=True),
    sqlite_with_rowid=False,
    **_OPTIONS,
)
"""Inputs and outputs of step runs once more, by artifact: lineage, and what still refers to an artifact."""

metrics = Table(
    "metrics",
    TABLES,
    Column("sequence", counter(), primary_key=True, autoincrement=True),
    Column("run_id", short(32), nullable=False),
    Column("step", short(200), nullable=False),
    Column("name", long(), nullable=False),
    Column("value", Double()),
    Column("special", short(4)),
    Column("step_index", BigInteger()),
    Column("time", BigInteger(), nullable=False),
    Index("metrics_step", "run_id", "step", "sequence"),
    **_OPTIONS,
)
"""Values of metrics; NaN and the infinities, which not every server stores, stand as text in `special`."""

SCHEMA = Schema(version=1, tables=TABLES, migrations=Path(__file__).parent / "migrations")
